/** The tables of ledger methods, calls and events in docs/api.md; the rest of that page is written by hand. */
import { chain, methods } from "@tfgrid/tfchain";
import type { Page } from "./pages.ts";
import { pageWithRegions } from "./region.ts";
import { cell } from "./sources.ts";

interface JsonObject {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

/** `a`, `b?` of a struct's JSON Schema. */
function fieldsOf({ properties = {}, required = [] }: JsonObject): string {
  return Object.keys(properties)
    .filter((name) => name !== "type")
    .map((name) => `\`${name}${required.includes(name) ? "" : "?"}\``)
    .join(", ");
}

/** One row per member of a tagged union, by its tag. */
function unionRows(schema: { readonly jsonSchema: () => Record<string, unknown> }): readonly string[] {
  const members = schema.jsonSchema()["oneOf"] as readonly (JsonObject & { readonly properties: { readonly type: { readonly const: string } } })[];
  return members.map((member) => `| \`${member.properties.type.const}\` | ${fieldsOf(member)} |`);
}

export function apiPage(): Page {
  const methodRows = Object.entries(methods).map(([name, { summary, params }]) => `| \`${name}\` | ${Object.keys(params.fields).map((param) => `\`${param}\``).join(", ")} | ${cell(summary)} |`);
  return pageWithRegions("docs/api.md", [
    { name: "methods", head: "| method | parameters | |\n| --- | --- | --- |", rows: methodRows },
    { name: "calls", head: "| call | fields |\n| --- | --- |", rows: unionRows(chain.call) },
    { name: "events", head: "| event | fields |\n| --- | --- |", rows: unionRows(chain.event) },
  ]);
}
