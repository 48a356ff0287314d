import { useMutation } from "@tanstack/react-query";
import { documents } from "@tfgrid/notary";
import type { Solution } from "@tfgrid/tfchain";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { PublicGrid } from "../api/types.ts";
import { PlanView } from "../deploy/plan-view.tsx";
import { plural, tft } from "../format/numbers.ts";
import { Button, Card } from "../ui/kit.tsx";
import { Problem } from "../ui/loaded.tsx";
import { type ChangeOptions, planScaling, readRunning, type Running, type Scaling, signEnd, signScaling } from "./ledger.ts";

/** What the person is doing, with what was shown to them so far. */
type Step =
  | { readonly at: "words" }
  | { readonly at: "counts"; readonly running: Running }
  | { readonly at: "plan"; readonly scaling: Scaling }
  | { readonly at: "end" }
  | { readonly at: "done"; readonly words: string };

const START: Step = { at: "words" };

function useLeaving(): () => AbortSignal {
  const leaving = useRef(new AbortController());
  useEffect(() => {
    const controller = new AbortController();
    leaving.current = controller;
    return () => controller.abort();
  }, []);
  return () => leaving.current.signal;
}

function Buttons({ busy, label, can = true, onBack }: { busy: boolean; label: string; can?: boolean; onBack?: () => void }) {
  return (
    <div className="flex flex-wrap items-center gap-3">
      <Button kind="main" type="submit" disabled={busy || !can}>{label}</Button>
      {onBack === undefined ? null : <Button onClick={onBack} disabled={busy}>Back</Button>}
      <span role="status" className="text-sm text-muted">{busy ? "Asking ledger and notary …" : ""}</span>
    </div>
  );
}

function Form({ children, onSubmit }: { children: ReactNode; onSubmit: () => void }) {
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSubmit();
  };
  return <form className="flex flex-col gap-3" autoComplete="off" onSubmit={submit}>{children}</form>;
}

function Counts({ running, busy, onPlan, onBack }: { running: Running; busy: boolean; onPlan: (replicas: ReadonlyMap<string, number>) => void; onBack: () => void }) {
  const { services } = running.document;
  const [replicas, setReplicas] = useState<ReadonlyMap<string, number>>(new Map(services.map(({ name, replicas: now }) => [name, now])));
  const changed = services.some(({ name, replicas: now }) => replicas.get(name) !== now);
  return (
    <Form onSubmit={() => onPlan(replicas)}>
      {services.map(({ name }) => (
        <label key={name} className="flex items-center justify-between gap-3 text-sm">
          <span className="font-medium break-all">{name}</span>
          <input type="number" className="field w-24" min={0} max={documents.DOCUMENT_LIMITS.replicasPerService} required value={replicas.get(name)} onChange={({ target }) => setReplicas(new Map([...replicas, [name, target.valueAsNumber]]))} />
        </label>
      ))}
      <Buttons busy={busy} label="Show the plan" can={changed} onBack={onBack} />
    </Form>
  );
}

function End({ solution, busy, onEnd, onBack }: { solution: Solution; busy: boolean; onEnd: () => void; onBack: () => void }) {
  const [typed, setTyped] = useState("");
  return (
    <Form onSubmit={onEnd}>
      <p className="m-0 rounded-lg bg-warn-soft px-3 py-2 text-sm text-warn">
        {plural(solution.parts.length, "contract")} end: all zmachines stop, and their volumes are deleted with everything in them. {tft(solution.escrowUnits)} come back, less what is billed until then.
      </p>
      <label className="block text-sm">
        <span className="font-medium">Type {solution.name} to confirm</span>
        <input type="text" className="field mt-1.5 w-full" spellCheck={false} value={typed} onChange={({ target }) => setTyped(target.value)} />
      </label>
      <Buttons busy={busy} label="Sign and end" can={typed === solution.name} onBack={onBack} />
    </Form>
  );
}

function Words({ words, busy, onWords, onScale, onEnd }: { words: string; busy: boolean; onWords: (words: string) => void; onScale: () => void; onEnd: () => void }) {
  return (
    <Form onSubmit={onScale}>
      <label className="block text-sm">
        <span className="font-medium">Your 24 words</span>
        <span className="block text-xs text-muted">They open the document and sign here, in this page. They are not stored and not sent to anybody.</span>
        <input type="password" className="field mt-1.5 w-full" autoComplete="off" spellCheck={false} required maxLength={500} value={words} onChange={({ target }) => onWords(target.value)} />
      </label>
      <div className="flex flex-wrap items-center gap-3">
        <Button kind="main" type="submit" disabled={busy || words.trim() === ""}>Scale …</Button>
        <Button onClick={onEnd} disabled={busy || words.trim() === ""}>End it …</Button>
        <span role="status" className="text-sm text-muted">{busy ? "Reading the document …" : ""}</span>
      </div>
    </Form>
  );
}

/** `accepted`: enough have signed with this signature. */
const said = (what: string, accepted: boolean): Step => ({ at: "done", words: accepted ? `${what} is signed and on the ledger.` : `${what} has your signature now, and waits for those of others.` });

/** Other replica counts, or the end: shown before it is signed, with words that are forgotten when it is done or left. */
export function Change({ solution, grid }: { solution: Solution; grid: PublicGrid }) {
  const [words, setWords] = useState("");
  const [step, setStep] = useState<Step>(START);
  const signal = useLeaving();
  const work = useMutation({
    mutationFn: (next: (options: ChangeOptions) => Promise<Step>) => next({ grid, solutionId: solution.id, mnemonic: words, signal: signal() }),
    onSuccess: (next) => {
      setStep(next);
      if (next.at === "done") setWords("");
    },
  });
  const go = (next: Step): void => {
    work.reset();
    setStep(next);
  };
  const busy = work.isPending;
  const back = (): void => go(START);
  const sign = (scaling: Scaling) => async (options: ChangeOptions): Promise<Step> => {
    const { events } = await signScaling({ ...options, document: scaling.document });
    return said(`Version ${scaling.document.version}`, events.some(({ type }) => type === "solutions.accepted"));
  };
  const end = async (options: ChangeOptions): Promise<Step> => said("The end", (await signEnd(options)).events.some(({ type }) => type === "solutions.cancelled"));
  return (
    <Card title="Change it">
      <div className="flex flex-col gap-3">
        {step.at === "words" ? <Words words={words} busy={busy} onWords={setWords} onScale={() => work.mutate(async (options) => ({ at: "counts", running: await readRunning(options) }))} onEnd={() => go({ at: "end" })} /> : null}
        {step.at === "counts" ? <Counts running={step.running} busy={busy} onBack={back} onPlan={(replicas) => work.mutate(async (options) => ({ at: "plan", scaling: await planScaling({ ...options, replicas }) }))} /> : null}
        {step.at === "plan" ? (
          <Form onSubmit={() => work.mutate(sign(step.scaling))}>
            <PlanView plan={step.scaling.plan} depositUnits={step.scaling.solution.escrowUnits} />
            <Buttons busy={busy} label={`Sign version ${step.scaling.document.version}`} onBack={back} />
          </Form>
        ) : null}
        {step.at === "end" ? <End solution={solution} busy={busy} onBack={back} onEnd={() => work.mutate(end)} /> : null}
        {step.at === "done" ? (
          <>
            <p role="status" className="m-0 text-sm">{step.words}</p>
            <Button onClick={back}>Another change</Button>
          </>
        ) : null}
        {work.isError ? <Problem error={work.error} title="It was not changed." /> : null}
      </div>
    </Card>
  );
}
