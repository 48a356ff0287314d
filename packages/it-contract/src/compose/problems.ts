/** What is wrong with a file, collected so that a person sees everything at once. */
import type { GridError } from "@tfgrid/primitives";
import { fail, type ItContractCode } from "../errors.ts";
import { COMPOSE_LIMITS } from "../limits.ts";

export interface Position {
  /** `services.web.deploy.replicas`. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface Problem extends Position {
  readonly code: ItContractCode;
  readonly file: string;
  readonly message: string;
}

/** `services.web.privileged, compose.yaml:12:5: unsupported; remove it, because ...`. */
export function formatProblem(problem: Problem): string {
  const where = problem.path === "" ? "" : `${problem.path}, `;
  return `${where}${problem.file}:${problem.line}:${problem.column}: ${problem.message}`;
}

/** All problems of a file as one error; its code is the problem's own when there is only one kind. */
export function problemsError(problems: readonly Problem[]): GridError {
  const codes = new Set(problems.map((problem) => problem.code));
  const [only] = codes;
  const code = codes.size === 1 && only !== undefined ? only : "it_contract.invalid_file";
  const lines = problems.map(formatProblem);
  return fail(code, { message: lines.join("\n"), details: { problems: lines, codes: [...codes] } });
}

/** Collects; readers go on after a problem with a harmless value, so that later ones are found too. */
export interface Collector {
  readonly file: string;
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

export function report(into: Collector, at: Position, code: ItContractCode, message: string): undefined {
  if (into.problems.length < COMPOSE_LIMITS.problems) into.problems.push(problemAt(into.file, at, code, message));
  return undefined;
}

export function warn(into: Collector, at: Position, code: ItContractCode, message: string): void {
  if (into.warnings.length < COMPOSE_LIMITS.problems) into.warnings.push(problemAt(into.file, at, code, message));
}

function problemAt(file: string, at: Position, code: ItContractCode, message: string): Problem {
  return { code, file, path: at.path, line: at.line, column: at.column, message };
}
