/** `npm run bench [-- abci|chain|ledger-load|state|validators [arguments]]`: without a name, what a person feels (main.ts). */
const BENCHES = ["abci", "chain", "ledger-load", "state", "validators"] as const;

const name = BENCHES.find((bench) => bench === process.argv[2]);
if (name !== undefined) process.argv.splice(2, 1);
await import(`./${name ?? "main"}.ts`);
