/** What Vault lacks, for people; never a value. */
import { counted } from "../preview/words";
import { needsOf, type SecretsState, type SecretState } from "./state";

const STATES = { present: "there", missing: "missing", stale: "follows from a secret that has changed since", unreadable: "this token may not look" } as const;

/** 0: everything that is required is there. 1: something is not. 2: the token may not look at something, and nothing else is known to be missing. */
export function exitCodeOf(state: SecretsState): 0 | 1 | 2 {
  const required = state.secrets.filter((secret) => secret.required);
  if (state.missingPaths.length > 0 || required.some((secret) => secret.state === "missing" || secret.state === "stale")) return 1;
  return required.some((secret) => secret.state === "unreadable") ? 2 : 0;
}

/** How each may be brought. */
function remedy({ secret: { field, origin } }: SecretState): string {
  return origin === "operator" ? `gvfx secrets put ${field}` : "gvfx secrets init";
}

export function stateText(mount: string, state: SecretsState): string {
  const line = (one: SecretState): string => `    ${one.secret.field.padEnd(24)} ${`${mount}/${one.secret.path}`.padEnd(30)} ${STATES[one.state]}${one.state === "unreadable" ? "" : `: ${remedy(one)}`}`;
  const needs = needsOf(state);
  const there = state.secrets.filter((secret) => secret.state === "present").length;
  return [
    ...needs.flatMap(({ job, lacks, without }) => [
      ...(lacks.length > 0 ? [`  ${job === "operator" ? "an operator's commands need" : `${job} cannot do its work without`}`, ...lacks.map(line)] : []),
      ...(without.length > 0 ? [`  ${job === "operator" ? "an operator" : job} may have, and has not`, ...without.map(line)] : []),
    ]),
    ...(state.missingPaths.length > 0 ? [`  not there, and waited for by templates that read ${state.missingPaths.length === 1 ? "it" : "them"}: ${state.missingPaths.map((path) => `${mount}/${path}`).join(", ")}: gvfx secrets init`] : []),
    `${there} of ${counted(state.secrets.length, "secret")} are in Vault; ${exitCodeOf(state) === 0 ? "nothing that is required is missing" : `${counted(state.secrets.filter((secret) => secret.required && secret.state !== "present").length, "required one")} ${exitCodeOf(state) === 1 ? "missing or stale" : "not to be seen"}`}`,
  ].join("\n");
}
