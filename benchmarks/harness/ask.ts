/** Entry point of a question's process: `ask.ts NAME ROUNDS PLAN`, the plan as JSON; sends the answer to its parent. */
import { constants } from 'node:os';
import type { Answer } from './answer.js';
import type { Plan } from './plan.js';
import { loadQuestion } from './questions.js';

// Ends as processes do that clean up after themselves, also when its parent is killed.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
process.on('disconnect', () => process.exit());

const [name, rounds, plan] = process.argv.slice(2);
const question = await loadQuestion(name as string);
const began = performance.now();
const figures = await question.ask(Number(rounds), JSON.parse(plan as string) as Plan);
const seconds = (performance.now() - began) / 1000;
const answer: Answer = { title: question.title, figures, seconds };
// A long answer is not sent when `send` returns.
process.send?.(answer, () => process.disconnect());
