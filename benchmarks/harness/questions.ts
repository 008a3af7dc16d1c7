/** The list of questions: the files of questions/, by name. */
import { readdirSync } from 'node:fs';
import type { Question } from './question.js';

const FOLDER = new URL('../questions/', import.meta.url);

/** The names in the order of the report. */
export const QUESTION_NAMES: readonly string[] = readdirSync(FOLDER)
  .map((file) => file.replace(/\.[jt]s$/, ''))
  .sort();

export async function loadQuestion(name: string): Promise<Question> {
  const { default: question } = (await import(new URL(`${name}.js`, FOLDER).href)) as { default: Question };
  return question;
}

/** @returns the questions, in the order of the names */
export async function loadQuestions(names: readonly string[]): Promise<Map<string, Question>> {
  return new Map(await Promise.all(names.map(async (name) => [name, await loadQuestion(name)] as const)));
}

export function expectedSeconds({ seconds: [once, aRound] }: Question, rounds: number): number {
  return once + aRound * rounds;
}
