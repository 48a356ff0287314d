import { plural } from "../format/numbers.ts";
import { classes, Dot } from "../ui/kit.tsx";
import type { Finding } from "./validate.ts";

function Row({ finding, tone, onGo }: { finding: Finding; tone: "bad" | "warn"; onGo: (line: number) => void }) {
  return (
    <li className="border-b border-line last:border-0">
      <button type="button" onClick={() => onGo(finding.line)} className="flex w-full gap-3 border-0 bg-transparent px-4 py-2.5 text-left text-sm hover:bg-raised/60">
        <span className="mt-1.5"><Dot tone={tone} /></span>
        <span className="min-w-0">
          <span className="block">
            <span className="text-muted">line {finding.line}</span> {finding.key === "" ? null : <code className="text-xs font-semibold break-all">{finding.key}</code>}
          </span>
          <span className="block break-words">{finding.message}</span>
          <span className="block text-xs break-words text-muted">{finding.cure}</span>
        </span>
      </button>
    </li>
  );
}

/** Every problem at once: key, line, cause and cure; choosing one goes to its line. */
export function Problems({ problems, warnings, onGo, empty }: { problems: readonly Finding[]; warnings: readonly Finding[]; onGo: (line: number) => void; empty: boolean }) {
  const words = empty ? "Nothing to check yet." : problems.length > 0 ? `${plural(problems.length, "problem")} to correct` : warnings.length > 0 ? `The file is good, with ${plural(warnings.length, "note")}` : "The file is good.";
  return (
    <>
      <p role="status" aria-label="Result of the check" className={classes("m-0 px-4 py-3 text-sm font-medium", problems.length > 0 ? "text-bad" : empty ? "text-muted" : "text-good")}>{words}</p>
      {problems.length + warnings.length === 0 ? null : (
        <ul aria-label="Problems" className="m-0 max-h-96 list-none overflow-y-auto border-t border-line p-0">
          {problems.map((finding) => <Row key={`${finding.line}:${finding.column}:${finding.message}`} finding={finding} tone="bad" onGo={onGo} />)}
          {warnings.map((finding) => <Row key={`w${finding.line}:${finding.column}:${finding.message}`} finding={finding} tone="warn" onGo={onGo} />)}
        </ul>
      )}
    </>
  );
}
