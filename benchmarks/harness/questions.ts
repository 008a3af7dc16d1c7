/** The questions there are: the files of questions/, by name. */
import { readdirSync } from 'node:fs';
import type { Question } from './question.js';

const FOLDER = new URL('../questions/', import.meta.url);

/** In the order of the report. */
export const QUESTION_NAMES: readonly string[] = readdirSync(FOLDER)
  .map((file) => file.replace(/\.[jt]s$/, ''))
  .sort();

export async function loadQuestion(name: string): Promise<Question> {
  const { default: question } = (await import(new URL(`${name}.js`, FOLDER).href)) as { default: Question };
  return question;
}

export async function loadQuestions(): Promise<Map<string, Question>> {
  return new Map(await Promise.all(QUESTION_NAMES.map(async (name) => [name, await loadQuestion(name)] as const)));
}

export function expectedSeconds({ seconds: [once, aRound] }: Question, rounds: number): number {
  return once + aRound * rounds;
}
