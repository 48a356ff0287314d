/** Files that the user gave by dropping or choosing: they stay in memory. Pure but for reading them. */
export interface GivenFiles {
  readonly compose: string | undefined;
  readonly composeName: string | undefined;
  readonly environment: string | undefined;
  readonly others: ReadonlyMap<string, Uint8Array>;
}

const isCompose = (name: string): boolean => /\.ya?ml$/i.test(name);

/** `compose.yaml` by its name, otherwise the first YAML file; `.env` for variables; everything else by its name. */
export async function sortFiles(files: readonly { readonly name: string; arrayBuffer(): Promise<ArrayBuffer> }[]): Promise<GivenFiles> {
  const read = await Promise.all(files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })));
  const text = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : new TextDecoder().decode(bytes));
  const yaml = read.filter(({ name }) => isCompose(name));
  const compose = yaml.find(({ name }) => /compose/i.test(name)) ?? yaml[0];
  const environment = read.find(({ name }) => name === ".env" || name.endsWith(".env"));
  const others = read.filter((file) => file !== compose && file !== environment);
  return { compose: text(compose?.bytes), composeName: compose?.name, environment: text(environment?.bytes), others: new Map(others.map(({ name, bytes }) => [name, bytes])) };
}

/** A browser sees names, not folders: `./conf/app.json` in the file is `app.json` among the dropped ones. */
export const baseName = (path: string): string => path.split("/").at(-1) ?? path;
