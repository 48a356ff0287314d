import { Component, lazy, type ReactNode, Suspense, useEffect, useRef } from "react";
import { Link, NavLink, Route, Routes, useLocation } from "react-router";
import { LiveContext, useLiveFeed } from "./api/live.ts";
import { headQuery } from "./api/queries.ts";
import { useRead } from "./api/use-read.ts";
import { ago, count } from "./format/numbers.ts";
import { ContractsPage } from "./pages/contracts.tsx";
import { FarmsPage } from "./pages/farms.tsx";
import { NodePage } from "./pages/node.tsx";
import { NodesPage } from "./pages/nodes.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SolutionPage } from "./pages/solution.tsx";
import { SolutionsPage } from "./pages/solutions.tsx";
import { TwinsPage } from "./pages/twins.tsx";
import { classes, Dot } from "./ui/kit.tsx";
import { Loading, Problem } from "./ui/loaded.tsx";
import { useNow } from "./ui/now.ts";

/** Parser, planner and signing are half of the page's code, and most visits only look. */
const DeployPage = lazy(async () => ({ default: (await import("./pages/deploy.tsx")).DeployPage }));

const NAV = [
  ["/", "Overview"],
  ["/nodes", "Nodes"],
  ["/solutions", "Solutions"],
  ["/contracts", "Contracts"],
  ["/farms", "Farms"],
  ["/twins", "Twins"],
] as const;

/** The ledger behind the page: following, behind, or out of reach. */
function Pulse({ live }: { live: "connecting" | "live" | "polling" }) {
  const head = useRead(headQuery());
  const now = useNow();
  const words = (() => {
    if (head.data === undefined) return head.isError ? (["bad", "explorer out of reach"] as const) : (["quiet", "connecting"] as const);
    if (head.isError) return ["warn", `stale since ${ago(head.dataUpdatedAt, now)}`] as const;
    if (!head.data.following) return ["warn", `ledger out of reach, block ${count(head.data.height)} from ${ago(head.data.timeMs, now)}`] as const;
    return [live === "live" ? "good" : "info", `${live === "live" ? "Live" : "Polling"} · block ${count(head.data.height)}`] as const;
  })();
  return (
    <p role="status" aria-label="Connection" className="m-0 flex items-center gap-2 text-xs whitespace-nowrap text-muted">
      <Dot tone={words[0]} breathing={words[0] === "good"} />
      {words[1]}
    </p>
  );
}

function Header({ live }: { live: "connecting" | "live" | "polling" }) {
  const link = ({ isActive }: { isActive: boolean }): string =>
    classes("rounded-lg px-3 py-1.5 text-sm no-underline whitespace-nowrap", isActive ? "bg-raised font-medium" : "text-muted hover:text-ink");
  return (
    <header className="sticky top-0 z-20 border-b border-line bg-surface/90 backdrop-blur">
      <div className="mx-auto flex max-w-[84rem] flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2 sm:px-6">
        <Link to="/" className="flex items-center gap-2 font-semibold tracking-tight no-underline">
          <img src="/icon.svg" alt="" className="size-6" />
          The grid
        </Link>
        <nav aria-label="Main" className="order-last -mx-1 flex w-full gap-0.5 overflow-x-auto md:order-none md:w-auto md:grow">
          {NAV.map(([to, name]) => (
            <NavLink key={to} to={to} end={to === "/"} className={link}>
              {name}
            </NavLink>
          ))}
        </nav>
        <div className="ml-auto flex items-center gap-4">
          <Pulse live={live} />
          <Link to="/deploy" className="rounded-lg bg-accent px-3 py-1.5 text-sm font-medium text-on-accent no-underline hover:opacity-90">
            Deploy
          </Link>
        </div>
      </div>
    </header>
  );
}

/** A page that fails to draw is shown as a problem; the rest of the frame stays. */
class Guard extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: undefined as unknown };
  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }
  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return <Problem error={this.state.error} title="This page could not be drawn." onRetry={() => this.setState({ error: undefined })} />;
  }
}

function NotFound() {
  return (
    <div className="py-20 text-center">
      <h1 className="text-xl font-semibold">There is no page at this address</h1>
      <p className="text-muted">
        <Link to="/" className="link">Go to the overview</Link>
      </p>
    </div>
  );
}

export function App() {
  const live = useLiveFeed();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    window.scrollTo(0, 0);
    // A page change is news to a screen reader; the first page is not.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [pathname]);
  return (
    <LiveContext value={live}>
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:z-30 focus:bg-surface focus:p-2">Skip to the content</a>
      <Header live={live} />
      <main id="main" ref={main} tabIndex={-1} className="mx-auto max-w-[84rem] px-4 py-6 outline-none sm:px-6">
        <Guard key={pathname}>
          <Routes>
            <Route path="/" element={<OverviewPage />} />
            <Route path="/nodes" element={<NodesPage />} />
            <Route path="/nodes/:id" element={<NodePage />} />
            <Route path="/solutions" element={<SolutionsPage />} />
            <Route path="/solutions/:id" element={<SolutionPage />} />
            <Route path="/contracts" element={<ContractsPage />} />
            <Route path="/farms" element={<FarmsPage />} />
            <Route path="/twins" element={<TwinsPage />} />
            <Route path="/deploy" element={<Suspense fallback={<Loading what="the deploy page" />}><DeployPage /></Suspense>} />
            <Route path="*" element={<NotFound />} />
          </Routes>
        </Guard>
      </main>
    </LiveContext>
  );
}
