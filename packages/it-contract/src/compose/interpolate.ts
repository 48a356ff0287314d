/** Variable interpolation as the Compose specification defines it. */
import { COMPOSE_LIMITS } from "../limits.ts";

export type Variables = Readonly<Record<string, string>>;
export type Interpolated =
  | { readonly ok: true; readonly value: string; readonly unset: readonly string[] }
  | { readonly ok: false; readonly kind: "syntax" | "required" | "too_large"; readonly message: string };

class InterpolationFailure extends Error {
  readonly kind: "syntax" | "required" | "too_large";
  constructor(kind: "syntax" | "required" | "too_large", message: string) {
    super(message);
    this.kind = kind;
  }
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const OPERATORS = [":-", ":?", ":+", "-", "?", "+"] as const;

/** Replaces `$VAR`, `${VAR}`, `${VAR:-default}`, `${VAR:?error}`, `${VAR:+replacement}` and `$$`; operands may nest. */
export function interpolate(text: string, variables: Variables): Interpolated {
  const unset: string[] = [];
  try {
    return { ok: true, value: expand(text, variables, unset, 0), unset };
  } catch (error) {
    if (error instanceof InterpolationFailure) return { ok: false, kind: error.kind, message: error.message };
    throw error;
  }
}

function expand(text: string, variables: Variables, unset: string[], depth: number): string {
  if (depth > COMPOSE_LIMITS.interpolationDepth) throw new InterpolationFailure("syntax", "variables are nested too deeply");
  let out = "";
  let index = 0;
  for (;;) {
    const dollar = text.indexOf("$", index);
    if (dollar < 0) break;
    out += text.slice(index, dollar);
    const next = text[dollar + 1];
    if (next === "$") {
      out += "$";
      index = dollar + 2;
    } else if (next === "{") {
      const end = closingBrace(text, dollar + 2);
      out += braced(text.slice(dollar + 2, end), variables, unset, depth);
      index = end + 1;
    } else {
      const name = NAME.exec(text.slice(dollar + 1, dollar + 257))?.[0];
      if (name === undefined) throw new InterpolationFailure("syntax", "a lone $ must be written as $$");
      out += valueOf(name, variables, unset);
      index = dollar + 1 + name.length;
    }
    if (out.length > COMPOSE_LIMITS.valueChars) throw new InterpolationFailure("too_large", "the value is too large after interpolation");
  }
  return out + text.slice(index);
}

function closingBrace(text: string, from: number): number {
  let open = 1;
  for (let index = from; index < text.length; index += 1) {
    if (text.startsWith("${", index)) open += 1;
    else if (text[index] === "}") open -= 1;
    if (open === 0) return index;
  }
  throw new InterpolationFailure("syntax", "${ without its closing }");
}

function braced(body: string, variables: Variables, unset: string[], depth: number): string {
  const name = NAME.exec(body)?.[0];
  if (name === undefined) throw new InterpolationFailure("syntax", `\${${body.slice(0, 40)}} does not begin with a variable's name`);
  const rest = body.slice(name.length);
  if (rest === "") return valueOf(name, variables, unset);
  const operator = OPERATORS.find((candidate) => rest.startsWith(candidate));
  if (operator === undefined) throw new InterpolationFailure("syntax", `\${${body.slice(0, 40)}} is not a form of the Compose specification`);
  const operand = (): string => expand(rest.slice(operator.length), variables, unset, depth + 1);
  const value = own(variables, name);
  // With a colon an empty value counts as not set.
  const present = value !== undefined && !(operator.startsWith(":") && value === "");
  if (operator.endsWith("+")) return present ? operand() : "";
  if (present) return value;
  if (operator.endsWith("-")) return operand();
  const reason = operand();
  throw new InterpolationFailure("required", `variable ${name} is required${reason === "" ? "" : `: ${reason}`}`);
}

function valueOf(name: string, variables: Variables, unset: string[]): string {
  const value = own(variables, name);
  if (value === undefined) unset.push(name);
  return value ?? "";
}

function own(variables: Variables, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}
