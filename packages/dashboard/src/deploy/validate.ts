/** The Compose file, checked as the command line checks it: the same parser, in the page. */
import { type ComposeDraft, itContractErrors, parseCompose, parseEnvFile, type Problem } from "@tfgrid/it-contract";
import { baseName } from "./files.ts";

export interface Finding {
  readonly key: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly cure: string;
  readonly code: string;
}

export interface Checked {
  readonly draft: ComposeDraft | undefined;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

const finding = ({ path, line, column, message, code }: Problem): Finding => ({ key: path, line, column, message, code, cure: itContractErrors[code].cure });

export interface CheckOptions {
  readonly text: string;
  readonly fileName: string;
  readonly environment: string | undefined;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export async function check({ text, fileName, environment, files }: CheckOptions): Promise<Checked> {
  const env = parseEnvFile(environment ?? "", {});
  const envProblems = env.problems.map(({ line, message }): Finding => ({ key: ".env", line, column: 1, message, code: "it_contract.invalid_value", cure: itContractErrors["it_contract.invalid_value"].cure }));
  const result = await parseCompose({
    text,
    fileName,
    environment: Object.fromEntries(env.values),
    defaultName: "solution",
    readFile: (path) => {
      const bytes = files.get(baseName(path));
      return bytes === undefined ? Promise.reject(new Error(`${baseName(path)} was not dropped here together with the Compose file`)) : Promise.resolve(bytes);
    },
  });
  const warnings = result.warnings.map(finding);
  if (!result.ok) return { draft: undefined, problems: [...envProblems, ...result.problems.map(finding)], warnings };
  return { draft: envProblems.length > 0 ? undefined : result.draft, problems: envProblems, warnings };
}
