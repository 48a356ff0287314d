import type { ComposeDraft } from "@tfgrid/it-contract";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import type { PublicGrid } from "../api/types.ts";
import { Button } from "../ui/kit.tsx";
import { Problem } from "../ui/loaded.tsx";
import { deployDraft } from "./grid.ts";

/** The words live in this field and in the signing call; they are emptied when it ends, and never sent or kept. */
export function Sign({ draft, grid }: { draft: ComposeDraft; grid: PublicGrid }) {
  const [words, setWords] = useState("");
  const [step, setStep] = useState("");
  const leaving = useRef<AbortController>(new AbortController());
  const navigate = useNavigate();
  useEffect(() => {
    const controller = new AbortController();
    leaving.current = controller;
    return () => controller.abort();
  }, []);
  const deploy = useMutation({
    mutationFn: () => deployDraft({ draft, grid, mnemonic: words, onStep: setStep, signal: leaving.current.signal }),
    onSuccess: (solutionId) => void navigate(`/solutions/${solutionId}`),
    onSettled: (_id, error) => {
      // Misspelt words stay to be corrected; everything else ends with them forgotten.
      if ((error as { code?: string } | null)?.code !== "keys.bad_mnemonic") setWords("");
    },
  });
  return (
    <form
      className="space-y-3"
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        deploy.mutate();
      }}
    >
      <label className="block text-sm">
        <span className="font-medium">Your 24 words</span>
        <span className="block text-xs text-muted">They sign here, in this page. They are not stored and not sent to anybody.</span>
        <input
          type="password"
          className="field mt-1.5 w-full"
          autoComplete="off"
          spellCheck={false}
          required
          maxLength={500}
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
      </label>
      {deploy.isError ? <Problem error={deploy.error} title="It was not deployed." /> : null}
      <div className="flex items-center gap-3">
        <Button kind="main" type="submit" disabled={deploy.isPending || words.trim() === ""}>
          Sign and deploy
        </Button>
        <span role="status" className="text-sm text-muted">{deploy.isPending ? `${step} …` : ""}</span>
      </div>
    </form>
  );
}
