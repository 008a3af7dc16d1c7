/**
 * The loop of the hart. `ip` is the record of the instruction to run, and stands for the program counter as long as
 * control stays within a page; `pc` is right only when a page is entered. What has to leave the page stores `pc` and goes
 * to a record whose operation enters the page of `pc`, so the loop has no test for that.
 */
import { slowStore } from './access';
import {
  divide, divide32, divideUnsigned, divideUnsigned32, highSigned, highSignedUnsigned, highUnsigned, remainder,
  remainder32, remainderUnsigned, remainderUnsigned32,
} from './arithmetic';
import { runAtomic } from './atomics';
import { dropStaleCode, RECORDS_BYTES } from './code-pages';
import { system } from './csr';
import { BITS, decode, IMMEDIATE, RECORD_BYTES } from './decode';
import { enterPage, page, slot } from './fetch';
import { ENTER_RECORD, FENCE, PAGE_BYTES, PC, RETIRED } from './layout';
import { code, isMarked, mark, migration, pages, vga } from './mark';
import { addressOf, immediate, immediate32, loads, result, result32, second, source } from './operands';
import { Op } from './operation';
import { area, get, GO_ON, ILLEGAL, leaving, MISALIGNED_FETCH, raise, raised, set, stay } from './state';
import { entryOf, hits, placeBy, writeTlb } from './tlb';
import { takeException } from './trap';
import { EACH_STORE, TRACKING } from './tracking';

/** Runs instructions until the slice is over or something is to be done outside. @returns why it has left */
export function execute(slice: i32): i32 {
  const h = area;
  const enter = h + ENTER_RECORD;
  let pc = get(PC);
  let ip: u32 = enter;
  let records: u32 = 0;
  let base: u64 = 0; // of the page of code, as the guest sees it
  let left = slice;
  // Copies of where the bitmap block is. Whatever may begin an interval or enter the block renews them.
  let one = vga;
  let other = code;
  let third = migration;
  let count = pages;
  stay();
  for (; left > 0; left--) {
    // A case goes on with the next instruction, or it breaks: to take an exception, or to jump by its immediate.
    switch (i32(load<u8>(ip))) {
      case Op.Enter:
        ip = enterPage(pc);
        if (ip == 0) {
          pc = takeException(pc);
          ip = enter;
          continue;
        }
        records = slot;
        base = pc & ~0xfff;
        left++; // it was no instruction
        continue;
      case Op.PageEnd:
        pc = base + PAGE_BYTES;
        ip = enter;
        left++;
        continue;
      case Op.Undecoded:
        decode(load<u32>(page + ((ip - records) >>> 2)), ip);
        left++;
        continue;
      case Op.Lb:
        if (!loads<i8>(h, ip)) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Lh:
        if (!loads<i16>(h, ip)) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Lw:
        if (!loads<i32>(h, ip)) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Ld:
        if (!loads<i64>(h, ip)) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Lbu:
        if (!loads<u8>(h, ip)) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Lhu:
        if (!loads<u16>(h, ip)) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Lwu:
        if (!loads<u32>(h, ip)) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Sb: {
        const at = addressOf(h, ip);
        const entry = entryOf(writeTlb, at);
        if (hits(entry, at, 1)) {
          const place = placeBy(entry, at);
          if (TRACKING == EACH_STORE && !isMarked(place >>> 12, count, one, other, third)) {
            mark(place >>> 12);
            (one = vga), (other = code), (third = migration), (count = pages);
          }
          store<u8>(place, u8(second(h, ip)));
        } else {
          slowStore(at, second(h, ip), 1);
          if (raised()) break;
        }
        ip += RECORD_BYTES;
        continue;
      }
      case Op.Sh: {
        const at = addressOf(h, ip);
        const entry = entryOf(writeTlb, at);
        if (hits(entry, at, 2)) {
          const place = placeBy(entry, at);
          if (TRACKING == EACH_STORE && !isMarked(place >>> 12, count, one, other, third)) {
            mark(place >>> 12);
            (one = vga), (other = code), (third = migration), (count = pages);
          }
          store<u16>(place, u16(second(h, ip)));
        } else {
          slowStore(at, second(h, ip), 2);
          if (raised()) break;
        }
        ip += RECORD_BYTES;
        continue;
      }
      case Op.Sw: {
        const at = addressOf(h, ip);
        const entry = entryOf(writeTlb, at);
        if (hits(entry, at, 4)) {
          const place = placeBy(entry, at);
          if (TRACKING == EACH_STORE && !isMarked(place >>> 12, count, one, other, third)) {
            mark(place >>> 12);
            (one = vga), (other = code), (third = migration), (count = pages);
          }
          store<u32>(place, u32(second(h, ip)));
        } else {
          slowStore(at, second(h, ip), 4);
          if (raised()) break;
        }
        ip += RECORD_BYTES;
        continue;
      }
      case Op.Sd: {
        const at = addressOf(h, ip);
        const entry = entryOf(writeTlb, at);
        if (hits(entry, at, 8)) {
          const place = placeBy(entry, at);
          if (TRACKING == EACH_STORE && !isMarked(place >>> 12, count, one, other, third)) {
            mark(place >>> 12);
            (one = vga), (other = code), (third = migration), (count = pages);
          }
          store<u64>(place, u64(second(h, ip)));
        } else {
          slowStore(at, second(h, ip), 8);
          if (raised()) break;
        }
        ip += RECORD_BYTES;
        continue;
      }
      case Op.Lui: ip = result(h, ip, u64(immediate(ip))); continue;
      case Op.Auipc: ip = result(h, ip, base + ((ip - records) >>> 2) + immediate(ip)); continue;
      case Op.Jal:
        if ((load<u32>(ip, IMMEDIATE) & 3) != 0) raise(MISALIGNED_FETCH, base + ((ip - records) >>> 2) + immediate(ip));
        else result(h, ip, base + ((ip - records) >>> 2) + 4);
        break;
      case Op.Jalr: {
        const to = addressOf(h, ip) & ~1;
        if ((to & 3) != 0) {
          raise(MISALIGNED_FETCH, to);
          break;
        }
        result(h, ip, base + ((ip - records) >>> 2) + 4);
        pc = to;
        ip = (to & ~0xfff) == base ? records + (u32(to - base) << 2) : enter;
        continue;
      }
      case Op.Beq:
        if (source(h, ip) == second(h, ip)) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Bne:
        if (source(h, ip) != second(h, ip)) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Blt:
        if (i64(source(h, ip)) < i64(second(h, ip))) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Bge:
        if (i64(source(h, ip)) >= i64(second(h, ip))) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Bltu:
        if (source(h, ip) < second(h, ip)) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Bgeu:
        if (source(h, ip) >= second(h, ip)) break;
        ip += RECORD_BYTES;
        continue;
      case Op.Addi: ip = result(h, ip, source(h, ip) + immediate(ip)); continue;
      case Op.Slti: ip = result(h, ip, u64(i64(source(h, ip)) < immediate(ip))); continue;
      case Op.Sltiu: ip = result(h, ip, u64(u64(immediate(ip)) > source(h, ip))); continue;
      case Op.Xori: ip = result(h, ip, source(h, ip) ^ immediate(ip)); continue;
      case Op.Ori: ip = result(h, ip, source(h, ip) | immediate(ip)); continue;
      case Op.Andi: ip = result(h, ip, source(h, ip) & immediate(ip)); continue;
      case Op.Slli: ip = result(h, ip, source(h, ip) << (immediate(ip) & 63)); continue;
      case Op.Srli: ip = result(h, ip, source(h, ip) >>> (immediate(ip) & 63)); continue;
      case Op.Srai: ip = result(h, ip, u64(i64(source(h, ip)) >> (immediate(ip) & 63))); continue;
      case Op.Addiw: ip = result32(h, ip, i32(source(h, ip)) + immediate32(ip)); continue;
      case Op.Slliw: ip = result32(h, ip, i32(source(h, ip)) << (immediate32(ip) & 31)); continue;
      case Op.Srliw: ip = result32(h, ip, i32(u32(source(h, ip)) >>> (immediate32(ip) & 31))); continue;
      case Op.Sraiw: ip = result32(h, ip, i32(source(h, ip)) >> (immediate32(ip) & 31)); continue;
      case Op.Add: ip = result(h, ip, source(h, ip) + second(h, ip)); continue;
      case Op.Sub: ip = result(h, ip, source(h, ip) - second(h, ip)); continue;
      case Op.Sll: ip = result(h, ip, source(h, ip) << (second(h, ip) & 63)); continue;
      case Op.Slt: ip = result(h, ip, u64(i64(source(h, ip)) < i64(second(h, ip)))); continue;
      case Op.Sltu: ip = result(h, ip, u64(source(h, ip) < second(h, ip))); continue;
      case Op.Xor: ip = result(h, ip, source(h, ip) ^ second(h, ip)); continue;
      case Op.Srl: ip = result(h, ip, source(h, ip) >>> (second(h, ip) & 63)); continue;
      case Op.Sra: ip = result(h, ip, u64(i64(source(h, ip)) >> (second(h, ip) & 63))); continue;
      case Op.Or: ip = result(h, ip, source(h, ip) | second(h, ip)); continue;
      case Op.And: ip = result(h, ip, source(h, ip) & second(h, ip)); continue;
      case Op.Addw: ip = result32(h, ip, i32(source(h, ip)) + i32(second(h, ip))); continue;
      case Op.Subw: ip = result32(h, ip, i32(source(h, ip)) - i32(second(h, ip))); continue;
      case Op.Sllw: ip = result32(h, ip, i32(source(h, ip)) << (i32(second(h, ip)) & 31)); continue;
      case Op.Srlw: ip = result32(h, ip, i32(u32(source(h, ip)) >>> (u32(second(h, ip)) & 31))); continue;
      case Op.Sraw: ip = result32(h, ip, i32(source(h, ip)) >> (i32(second(h, ip)) & 31)); continue;
      case Op.Mul: ip = result(h, ip, source(h, ip) * second(h, ip)); continue;
      case Op.Mulh: ip = result(h, ip, highSigned(source(h, ip), second(h, ip))); continue;
      case Op.Mulhsu: ip = result(h, ip, highSignedUnsigned(source(h, ip), second(h, ip))); continue;
      case Op.Mulhu: ip = result(h, ip, highUnsigned(source(h, ip), second(h, ip))); continue;
      case Op.Div: ip = result(h, ip, divide(source(h, ip), second(h, ip))); continue;
      case Op.Divu: ip = result(h, ip, divideUnsigned(source(h, ip), second(h, ip))); continue;
      case Op.Rem: ip = result(h, ip, remainder(source(h, ip), second(h, ip))); continue;
      case Op.Remu: ip = result(h, ip, remainderUnsigned(source(h, ip), second(h, ip))); continue;
      case Op.Mulw: ip = result32(h, ip, i32(source(h, ip)) * i32(second(h, ip))); continue;
      case Op.Divw: ip = result32(h, ip, divide32(i32(source(h, ip)), i32(second(h, ip)))); continue;
      case Op.Divuw: ip = result32(h, ip, divideUnsigned32(u32(source(h, ip)), u32(second(h, ip)))); continue;
      case Op.Remw: ip = result32(h, ip, remainder32(i32(source(h, ip)), i32(second(h, ip)))); continue;
      case Op.Remuw: ip = result32(h, ip, remainderUnsigned32(u32(source(h, ip)), u32(second(h, ip)))); continue;
      case Op.Atomic: {
        const value = runAtomic(load<u32>(ip, BITS), source(h, ip), second(h, ip));
        if (raised()) break;
        ip = result(h, ip, value);
        continue;
      }
      case Op.Fence:
        atomic.add<u32>(h, 0, FENCE); // the compiler's own fence is one that engines refuse
        ip += RECORD_BYTES;
        continue;
      case Op.FenceI:
        dropStaleCode();
        pc = base + ((ip - records) >>> 2) + 4;
        ip = enter;
        continue;
      case Op.System:
        set(RETIRED, get(RETIRED) + (slice - left));
        slice = left;
        pc = system(load<u32>(ip, BITS), base + ((ip - records) >>> 2));
        (one = vga), (other = code), (third = migration), (count = pages);
        if (raised()) break;
        ip = enter;
        if (leaving != GO_ON) {
          slice -= left - 1;
          left = 1;
        }
        continue;
      default:
        raise(ILLEGAL, load<u32>(ip, BITS));
    }
    if (raised()) {
      pc = takeException(base + ((ip - records) >>> 2));
      ip = enter;
      continue;
    }
    const next = ip + (load<u32>(ip, IMMEDIATE) << 2);
    if (((next - records) & ~(RECORDS_BYTES - RECORD_BYTES)) == 0) {
      ip = next;
      continue;
    }
    const from = base + ((ip - records) >>> 2);
    pc = from + immediate(ip);
    ip = enter;
    if ((pc & 3) != 0) {
      raise(MISALIGNED_FETCH, pc);
      pc = takeException(from);
    }
  }
  set(RETIRED, get(RETIRED) + (slice - left));
  set(PC, ip == enter ? pc : base + ((ip - records) >>> 2));
  return leaving;
}
