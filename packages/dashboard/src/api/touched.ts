/** Which reads an event of the ledger makes old. Pure. */
/** First key parts that an event of this room changes. */
export function touched(type: string): readonly string[] {
  const room = type.split(".")[0] ?? "";
  const lists: Readonly<Record<string, readonly string[]>> = {
    nodes: ["nodes", "stats", "head"],
    farms: ["farms", "stats", "head"],
    twins: ["twins", "stats", "head"],
    contracts: ["contracts", "solutions", "nodes", "stats", "head"],
    solutions: ["solutions", "contracts", "stats", "head"],
  };
  return lists[room] ?? ["head"];
}
