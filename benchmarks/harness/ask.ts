/**
 * Entry point of a question's process: `ask.ts NAME ROUNDS PLAN`, with the plan as JSON. Sends the answer to the parent
 * process.
 */
import { constants } from 'node:os';
import type { Answer } from './answer.js';
import type { Plan } from './plan.js';
import { loadQuestion } from './questions.js';

// Exit on these signals instead of dying from them, so that exit handlers clean up.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
process.on('disconnect', () => process.exit());

const [name, rounds, plan] = process.argv.slice(2);
const question = await loadQuestion(name as string);
const began = performance.now();
const figures = await question.ask(Number(rounds), JSON.parse(plan as string) as Plan);
const seconds = (performance.now() - began) / 1000;
const answer: Answer = { title: question.title, figures, seconds };
// Wait for the callback: when `send` returns, a long answer is not sent completely.
process.send?.(answer, () => process.disconnect());
