import { type DragEvent, type RefObject, useRef, useState } from "react";
import { classes } from "../ui/kit.tsx";
import { DASHBOARD_LIMITS as L } from "../limits.ts";

const LINE_HEIGHT = 20;

interface EditorProps {
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly onFiles: (files: readonly File[]) => void;
  /** Lines with problems, from 1. */
  readonly marked: ReadonlySet<number>;
  readonly area: RefObject<HTMLTextAreaElement | null>;
  readonly describedBy: string;
}

/** Puts the cursor on a line and shows it. */
export function goToLine(area: HTMLTextAreaElement | null, line: number): void {
  if (area === null) return;
  const before = area.value.split("\n").slice(0, line - 1);
  const start = before.reduce((sum, text) => sum + text.length + 1, 0);
  const end = area.value.indexOf("\n", start);
  area.focus();
  area.setSelectionRange(start, end === -1 ? area.value.length : end);
  area.scrollTop = Math.max(0, (line - 6) * LINE_HEIGHT);
}

/** A plain text area with line numbers: what screen readers, spell checkers and phones already know. */
export function Editor({ value, onChange, onFiles, marked, area, describedBy }: EditorProps) {
  const gutter = useRef<HTMLDivElement>(null);
  const [over, setOver] = useState(false);
  const lines = value.split("\n").length;
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer.files.length > 0) onFiles([...event.dataTransfer.files]);
  };
  return (
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={classes("flex h-[30rem] overflow-hidden rounded-b-xl font-mono text-[13px]", over && "outline-2 outline-dashed outline-accent")}
      style={{ lineHeight: `${LINE_HEIGHT}px` }}
    >
      <div ref={gutter} aria-hidden="true" className="w-12 shrink-0 overflow-hidden border-r border-line bg-raised py-3 text-right text-muted select-none">
        {Array.from({ length: lines }, (_, index) => (
          <div key={index} className={classes("pr-2.5", marked.has(index + 1) && "bg-bad-soft font-semibold text-bad")}>
            {index + 1}
          </div>
        ))}
      </div>
      <textarea
        ref={area}
        aria-label="Compose file"
        aria-describedby={describedBy}
        aria-invalid={marked.size > 0}
        className="min-w-0 grow resize-none border-0 bg-surface px-3 py-3 text-ink outline-offset-[-2px] [tab-size:2]"
        style={{ lineHeight: `${LINE_HEIGHT}px`, whiteSpace: "pre" }}
        spellCheck={false}
        autoCapitalize="off"
        autoCorrect="off"
        maxLength={L.composeCharacters}
        value={value}
        placeholder={"Paste a Compose file here, or drop it together with .env and the files it names."}
        onChange={(event) => onChange(event.target.value)}
        onScroll={(event) => {
          if (gutter.current !== null) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
      />
    </div>
  );
}
