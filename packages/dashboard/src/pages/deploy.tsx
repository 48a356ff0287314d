import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useEffect, useRef, useState } from "react";
import { gridQuery } from "../api/queries.ts";
import type { PublicGrid } from "../api/types.ts";
import { useRead } from "../api/use-read.ts";
import { Editor, goToLine } from "../deploy/editor.tsx";
import { exampleCompose } from "../deploy/example.ts";
import { type GivenFiles, sortFiles } from "../deploy/files.ts";
import { depositOf, planDraft } from "../deploy/grid.ts";
import { PlanView } from "../deploy/plan-view.tsx";
import { Problems } from "../deploy/problems.tsx";
import { Sign } from "../deploy/sign.tsx";
import { check, type Checked } from "../deploy/validate.ts";
import { fail } from "../errors.ts";
import { plural } from "../format/numbers.ts";
import { DASHBOARD_LIMITS as L } from "../limits.ts";
import { Button, Card, Empty, PageTitle } from "../ui/kit.tsx";
import { Loaded, Loading, Problem } from "../ui/loaded.tsx";

const NOTHING: Checked = { draft: undefined, problems: [], warnings: [] };

/** Checked a moment after the last keystroke; an older check that ends late is dropped. */
function useChecked(text: string, given: GivenFiles): { readonly checked: Checked; readonly of: string; readonly round: number; readonly error: unknown } {
  const [state, setState] = useState<{ checked: Checked; of: string; round: number; error: unknown }>({ checked: NOTHING, of: "", round: 0, error: undefined });
  useEffect(() => {
    let current = true;
    const timer = setTimeout(() => {
      const work = text.trim() === "" ? Promise.resolve(NOTHING) : check({ text, fileName: given.composeName ?? "compose.yaml", environment: given.environment, files: given.others });
      work.then(
        (checked) => current && setState(({ round }) => ({ checked, of: text, round: round + 1, error: undefined })),
        (error: unknown) => current && setState(({ round }) => ({ checked: NOTHING, of: text, round: round + 1, error })),
      );
    }, L.validateDelayMs);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [text, given]);
  return state;
}

/** `round`: a plan belongs to one check, for other files beside the same text make another draft. */
function Planned({ checked, round, grid }: { checked: Checked; round: number; grid: PublicGrid }) {
  const { draft } = checked;
  const planned = useQuery({
    queryKey: ["plan", round],
    enabled: draft !== undefined,
    retry: false,
    gcTime: 0,
    queryFn: ({ signal }) => {
      if (draft === undefined) throw fail("dashboard.unexpected");
      return planDraft({ draft, grid, signal });
    },
  });
  if (draft === undefined) return <Card title="Plan"><Empty>The plan appears here when the file is good.</Empty></Card>;
  return (
    <>
      <Card title="Plan" aside={<button type="button" className="link border-0 bg-transparent text-xs" onClick={() => void planned.refetch()}>Plan again</button>}>
        {planned.isPending ? <Loading what="the plan" /> : planned.isError ? <Problem error={planned.error} title="It cannot be placed like this." onRetry={() => void planned.refetch()} /> : <PlanView plan={planned.data} depositUnits={depositOf(draft)} />}
      </Card>
      {planned.data === undefined || planned.isError ? null : <Card title="Agree and deploy"><Sign key={draft.name} draft={draft} grid={grid} /></Card>}
    </>
  );
}

const NO_FILES: GivenFiles = { compose: undefined, composeName: undefined, environment: undefined, others: new Map() };

export function DeployPage() {
  const [text, setText] = useState("");
  const [given, setGiven] = useState(NO_FILES);
  const grid = useRead(gridQuery());
  const area = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const { checked, of, round, error } = useChecked(useDeferredValue(text), given);
  const take = async (files: readonly File[]): Promise<void> => {
    const found = await sortFiles(files);
    setGiven((old) => ({ ...found, environment: found.environment ?? old.environment, composeName: found.composeName ?? old.composeName, others: new Map([...old.others, ...found.others]) }));
    if (found.compose !== undefined) setText(found.compose);
  };
  const extra = given.others.size + (given.environment === undefined ? 0 : 1);
  return (
    <>
      <PageTitle title="Deploy">Describe your services as a Compose file. It is checked here while you type; only its image names are looked up before you sign.</PageTitle>
      <div className="grid gap-4 lg:grid-cols-5">
        <div className="min-w-0 lg:col-span-3">
          <Card
            title="Compose file"
            pad={false}
            aside={
              <span className="flex items-center gap-2">
                {extra === 0 ? null : `with ${plural(extra, "more file")}`}
                <Button onClick={() => setText(exampleCompose(grid.data?.registry))}>Example</Button>
                <Button onClick={() => chooser.current?.click()}>Open files</Button>
                <input ref={chooser} type="file" multiple hidden aria-label="Compose file and the files it names" onChange={(event) => void take([...(event.target.files ?? [])])} />
              </span>
            }
          >
            <Editor value={text} onChange={setText} onFiles={(files) => void take(files)} marked={new Set(checked.problems.filter(({ key }) => key !== ".env").map(({ line }) => line))} area={area} describedBy="check" />
          </Card>
        </div>
        <div className="flex min-w-0 flex-col gap-4 lg:col-span-2">
          <Card title="Check" pad={false}>
            <div id="check">
              {error === undefined ? <Problems {...checked} empty={of.trim() === ""} onGo={(line) => goToLine(area.current, line)} /> : <Problem error={error} />}
            </div>
          </Card>
          <Loaded query={grid} what="the grid's addresses">
            {(found) => (found === null ? <Problem error={fail("dashboard.not_published")} /> : <Planned checked={checked} round={round} grid={found} />)}
          </Loaded>
        </div>
      </div>
    </>
  );
}
