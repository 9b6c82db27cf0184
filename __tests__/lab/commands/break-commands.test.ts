import { Command } from "commander";
import { registerBreak, registerHeal } from "../../../scripts/lab/break/command";
import { breaker, env, freshLab, lab, ledger } from "./break-fixture";

freshLab();

describe("the commands", () => {
  const lines: string[] = [];
  const command = () => {
    const root = new Command("lab").exitOverride().configureOutput({ writeErr: () => undefined });
    const surroundings = { environment: () => ({ env, lab }), write: (text: string) => void lines.push(text), breaker: () => breaker() };
    registerBreak(root, surroundings);
    registerHeal(root, surroundings);
    root.commands.forEach((sub) => sub.exitOverride().configureOutput({ writeErr: () => undefined }));
    return (...args: string[]) => root.parseAsync(args, { from: "user" });
  };
  beforeEach(() => void (lines.length = 0));
  afterEach(() => void (process.exitCode = undefined));

  test("break says how to undo, heal says what it did", async () => {
    await command()("break", "stop", "openbao");
    await command()("heal");
    await command()("heal");
    expect(lines).toEqual(["openbao: stopped", "recorded; undo with: npm run gvfx -- lab heal", "openbao: started", "whether all is well again: npm run gvfx -- lab status", "nothing is recorded as broken"]);
  });

  test("--for heals by itself, and exactly what it broke", async () => {
    await command()("break", "pause", "device");
    await command()("break", "pause", "openbao", "--for", "50ms");
    expect(lines).toContain("openbao: goes on");
    expect(ledger.read().map(({ name }) => name)).toEqual(["device"]);
  });

  test("--for heals at once when interrupted", async () => {
    const began = Date.now();
    const running = command()("break", "pause", "openbao", "--for", "1h");
    while (!lines.some((line) => line.includes("heals by itself"))) await new Promise((resolve) => setTimeout(resolve, 5));
    process.emit("SIGINT");
    await running;
    expect(Date.now() - began).toBeLessThan(5_000);
    expect(ledger.read()).toEqual([]);
    expect(process.exitCode).toBe(130);
  });

  test("refuse what makes no sense", async () => {
    await expect(command()("break", "explode", "openbao")).rejects.toThrow("Allowed choices are stop, kill, pause, partition, slow, restart");
    await expect(command()("break", "stop", "openbao", "--for", "soon")).rejects.toThrow("is not a duration");
    await expect(command()("break", "restart", "openbao", "--for", "1s")).rejects.toThrow("leave --for out");
  });

  test("heal tells what is still broken", async () => {
    await command()("break", "stop", "openbao", "device");
    await command()("heal", "device");
    expect(lines.some((line) => line.startsWith("still broken: openbao is stopped since"))).toBe(true);
  });
});
