/** What takes long and can be done while everything still runs, so that the freeze is short. */
import { rm } from "node:fs/promises";
import { Refused, type Step } from "../step";

export const keepTarget: Step<"keep-target"> = {
  id: "keep-target",
  title: "Keep what the platform's Convex holds",
  phase: "prepare",
  async run({ world, file, maybe }) {
    const path = file("target-before.zip");
    await world.target.exportTo(path);
    // The way back is only as good as this file.
    const { problems } = await world.snapshots.validate(path, { filesRequired: false });
    if (problems.length > 0) throw new Refused([`the export of the platform's Convex (${path}) cannot be relied on as the way back: ${problems[0].place}: ${problems[0].what}${problems.length > 1 ? `, and ${problems.length - 1} more` : ""}; export it again by repeating the command`]);
    return { file: path, rows: maybe("preflight")?.targetRows ?? 0, counts: Object.fromEntries(await world.target.counts()) };
  },
};

export const functions: Step<"functions"> = {
  id: "functions",
  title: "Deploy the app's functions and schema",
  phase: "prepare",
  async run({ world, file }) {
    const folder = file("app");
    await world.app.place(folder);
    await world.target.deploy(folder);
    await rm(folder, { recursive: true, force: true });
    return { app: world.app.name };
  },
};

export const variables: Step<"variables"> = {
  id: "variables",
  title: "Copy Convex's environment variables",
  phase: "prepare",
  async run({ world, fact }) {
    const values = await world.source.environment();
    const set = fact("preflight").variables;
    for (const name of set) {
      const value = values.get(name);
      if (value !== undefined) await world.target.setVariable(name, value);
    }
    return { set };
  },
  async undo({ world, maybe, left }) {
    if (left()) return;
    for (const name of maybe("preflight")?.variables ?? []) await world.target.removeVariable(name);
  },
};

export const announce: Step<"announce"> = {
  id: "announce",
  title: "Announce the freeze",
  phase: "prepare",
  async run({ world, environment, move, say }) {
    const untold = await world.announce(`data move ${move} of "${environment}" begins: trading halts now, and the legacy worker and API stop until the data is moved and checked`);
    if (untold !== undefined) say(`nobody else was told: ${untold}`);
    return { told: untold === undefined };
  },
};
