/**
 * Where everything lies in the one memory of the machine. This file is read by the AssemblyScript of the harts and by
 * the TypeScript of the host, so it has plain constants only. Numbers are bytes where nothing else is said.
 */

/** Guest RAM is the memory's beginning: ram_addr 0 is byte 0, and the guest sees it at `RAM_BASE`. */
export const RAM_BASE = 0x80000000;
export const RAM_END = 0x10000000;
export const PAGE_SHIFT = 12;
export const PAGE_BYTES = 4096;
export const PAGES = 65536;

/** The arena of the engine, and what its header has to say for the code of the harts to be right. */
export const ARENA = 0x10000000;
export const ARENA_BYTES = 0x800000;
export const ABI_VERSION = 3;
/** All RAM fits into one bitmap block. */
export const BLOCK_SHIFT = 16;
export const MAX_READERS = 32;

/** One byte for each MiB of RAM: is there RAM? Written by the host. */
export const RAM_MAP = 0x10800000;
export const MIB_SHIFT = 20;

/** The registers of the board, 8 bytes each. They are a part of the machine's state. The guest sees them at `BOARD_ADDRESS`. */
export const BOARD = 0x10801000;
export const BOARD_ADDRESS = 0x10000000;
export const BOARD_BYTES = 512;
export const BOARD_STOP = 0;
export const BOARD_DIMM_BASE = 8;
export const BOARD_DIMM_BYTES = 16;
/** One of the `DIMM_` values. */
export const BOARD_DIMM_STATE = 24;
export const BOARD_HARTS = 32;
/** Storing here stops the machine. */
export const BOARD_POWER = 40;
/** A byte to print is stored here; loading takes a byte that was typed, or -1. */
export const BOARD_CONSOLE = 48;
export const BOARD_FRAME_BASE = 56;
export const BOARD_FRAME_WIDTH = 64;
export const BOARD_FRAME_HEIGHT = 72;
/** For each hart: rounds of its program, and results that it found wrong. */
export const BOARD_ROUNDS = 128;
export const BOARD_WRONG = 256;
export const DIMM_NONE = 0;
export const DIMM_PLUGGED = 1;
export const DIMM_WANTED_BACK = 2;
export const DIMM_GIVEN_BACK = 3;

/** Words by which host and harts speak. They are no part of the state. */
export const CONTROL = 0x10802000;
export const CONTROL_RUN = 0;
/** The machine was powered down: 1, or 2 for a reset. */
export const CONTROL_DOWN = 4;
/** How often harts have asked the host to make a page of code clean. */
export const CONTROL_WANTS = 8;
/** What to add to the host's clock to get the guest's, in ticks; 8 bytes. */
export const CONTROL_TIME_OFFSET = 16;
/** The typed bytes: how many were put in and taken out, and the ring. */
export const CONTROL_TYPED = 24;
export const CONTROL_TAKEN = 28;
export const CONTROL_RING = 64;
export const RING_BYTES = 256;
export const RUN_GO = 0;
export const RUN_STAND = 1;
export const RUN_QUIT = 2;
export const TICKS_PER_SECOND = 10000000;

/** The area of each hart. */
export const HARTS = 0x10900000;
export const HART_BYTES = 0x10000;
export const MOST_HARTS = 8;

// The state of a hart: registers, CSRs, and what the SBI keeps for it.
export const X = 0;
/** Where instructions that have x0 as their destination put their result. */
export const SINK = 256;
export const PC = 264;
export const PRIVILEGE = 272;
export const MSTATUS = 280;
export const MTVEC = 288;
export const MEDELEG = 296;
export const MIDELEG = 304;
export const MIE = 312;
export const MIP = 320;
export const MEPC = 328;
export const MCAUSE = 336;
export const MTVAL = 344;
export const MSCRATCH = 352;
export const MCOUNTEREN = 360;
export const STVEC = 368;
export const SEPC = 376;
export const SCAUSE = 384;
export const STVAL = 392;
export const SSCRATCH = 400;
export const SCOUNTEREN = 408;
export const SATP = 416;
export const MTIMECMP = 424;
export const STIMECMP = 432;
export const RESERVED_AT = 440;
export const RESERVED_VALUE = 448;
export const RETIRED = 456;
/** Is the SBI there, so that a call from S mode goes to it? */
export const HAS_SBI = 464;
/** Words of 4 bytes that other harts store to: software interrupts of the CLINT and of the SBI. */
export const MSIP = 472;
export const SSIP = 476;
/** One of the `HSM_` values, and where a hart that is started begins. */
export const HSM = 480;
export const HSM_ENTRY = 488;
export const HSM_ARGUMENT = 496;
export const STATE_BYTES = 512;
export const HSM_STARTED = 0;
export const HSM_STOPPED = 1;
export const HSM_START_PENDING = 2;

// What is no part of the state.
/** How often anybody has asked the hart to drop its TLBs and stale code, and how often it has. */
export const FLUSH_WANTED = 512;
export const FLUSH_DONE = 516;
/** Not 0 while the hart sleeps or stands still. */
export const STANDING = 520;
/** Changes when there is something to wake up for. */
export const WAKE = 524;
/** A record of decoded code that leads to the page of `pc`. */
export const ENTER_RECORD = 528;
/** A word for fences, which nobody reads. */
export const FENCE = 544;
/** Microseconds that the hart sleeps after each slice; -1: it is paused. Written by the host. */
export const PACE = 552;
/** Three modes, three kinds of access, 256 entries of 16 bytes. */
export const TLB = 4096;
export const TLB_BYTES = 4096;
/** For each slot of decoded code the page it is of, plus one, and the page's epoch. */
export const SLOT_TAGS = 40960;

/** The epoch of each page of code, 4 bytes: even while it may be kept decoded. Written by the host. */
export const EPOCHS = 0x10a00000;
/** One byte a page: a hart wants it to be clean for CODE. */
export const WANTED = 0x10a40000;
/** The decoded code of each hart: slots of a page each, a record of 16 bytes for each instruction and one behind. */
export const DECODED = 0x10b00000;
export const DECODED_BYTES = 0x480000;
export const SLOTS = 256;
export const SLOT_BYTES = 16448;

export const MEMORY_BYTES = 0x13000000;
