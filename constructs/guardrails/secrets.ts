/** No secret in a job: only the way to it. */
import { ENV_CONTRACT, FORBIDDEN_KEYS } from "../../contracts/env";
import { SECRETS } from "../../contracts/secrets";
import { JOBS } from "../../contracts/services";
import { groups, keysNamedIn, tasks, texts, type JobRule, type ReadTask } from "./rule";
import { plainlyAssigned } from "./templates";

/** Every key that holds a secret: of the app's contract, and of the platform's own catalog. */
export const SECRET_KEYS: ReadonlySet<string> = new Set([...ENV_CONTRACT.filter((entry) => entry.secret).map((entry) => entry.key), ...SECRETS.map((secret) => secret.field)]);

/** What a secret looks like, whatever its name. */
export const SECRET_PATTERNS: readonly (readonly [string, RegExp])[] = [
  ["a private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ["a Tailscale key", /\btskey-[a-z]+-[A-Za-z0-9]{8,}/],
  ["a Vault token", /\bhv[sb]\.[A-Za-z0-9_-]{20,}/],
  ["an AWS access key", /\bAKIA[0-9A-Z]{16}\b/],
  ["a password in a URL", /[a-z]+:\/\/[^/\s:@{}"']+:[^/\s:@{}"'$]+@/],
  ["a GitHub token", /\bgh[pousr]_[A-Za-z0-9]{30,}/],
];

/** A name that no catalog has but that only a secret is given: PGPASSWORD, SMTP_TOKEN. */
const SECRET_NAME = /(PASSWORD|PASSPHRASE|SECRET|TOKEN|API_KEY|PRIVATE_KEY)$/;
const isSecret = (key: string): boolean => SECRET_KEYS.has(key) || SECRET_NAME.test(key);

/** Secret keys that are given a value in a text: `API_TOKEN=plain`. */
function assignedIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w.$])([A-Z][A-Z0-9_]{2,})\s*=/g)].map(([, key]) => key).filter((key) => SECRET_KEYS.has(key));
}

/** Secret keys among the names of a map, or given a value in one of its texts. */
function inMap(map: unknown): string[] {
  return [...Object.keys(map ?? {}).filter(isSecret), ...texts(Object.values(map ?? {})).flatMap(assignedIn)];
}

/** The meta of a job, group, task or service; the typed job has it at the job only. */
function metaOf(part: object): unknown {
  return Object.entries(part).find(([key]) => key === "Meta")?.[1];
}

const shown = (what: string, keys: readonly string[]): string[] => [...new Set(keys)].map((key) => `has the secret ${key} in its ${what}: anybody who may read the job reads it; source it from Vault by a template`);

/** The one task that asks Vault for more than a secret: for its snapshot, where the environment permits that. */
const CALLS_VAULT = { job: JOBS.backup, task: "collect" } as const;

function taskViolations(job: string | undefined, task: ReadTask): (string | false)[] {
  const callsVault = job === CALLS_VAULT.job && task.Name === CALLS_VAULT.task;
  return [
    ...shown("plain environment", inMap(task.Env)),
    ...shown("command line", texts(task.Config).flatMap(assignedIn)),
    ...shown("meta", inMap(metaOf(task))),
    ...(task.Templates ?? []).flatMap((template) => shown(`template ${template.DestPath}, not as {{ .Data.data.… }} inside {{ with secret … }}`, plainlyAssigned(template.EmbeddedTmpl ?? "", SECRET_KEYS, template.Envvars === true))),
    task.Vault !== undefined && task.Vault.Env !== false && !callsVault && "gets its Vault token as VAULT_TOKEN (Vault.Env is not false, and true by default): every process of the task could read with it what only its templates should; set Env to false",
    task.Vault !== undefined && task.Vault.DisableFile !== true && "gets its Vault token as a file (Vault.DisableFile is not true): every process of the task could read with it what only its templates should; set DisableFile to true",
  ];
}

export const secretsFromVault: JobRule = {
  id: "secrets-from-vault",
  rule: "Secrets, the app's and the platform's, are rendered from Vault inside `with secret`, and stand nowhere else in a job; no task but the one that takes Vault's snapshot gets the Vault token itself; `NEXT_PUBLIC_API_TOKEN` is forbidden",
  defects: [
    "a secret as plain environment",
    "a secret of the platform as plain environment",
    "Convex's instance secret as plain environment",
    "a secret that only its name gives away",
    "a secret inside the value of another key",
    "a secret as plain text in a template",
    "a secret as plain text inside with secret",
    "a constant in the form of an expression",
    "a secret for the case that Vault has none",
    "a secret from a Nomad variable",
    "a secret in a script",
    "a secret in a configuration file",
    "a secret in the arguments",
    "a secret in the command",
    "a secret in the entrypoint",
    "a secret in the job's meta",
    "a secret in the group's meta",
    "a secret in the task's meta",
    "a secret in a service's meta",
    "a secret in a service's tag",
    "the forbidden key",
    "the forbidden key in a template",
    "the forbidden key in an argument",
    "the Vault token in the environment",
    "the Vault token in the environment by default",
    "the Vault token for another task of the backup",
    "the Vault token as a file",
    "a private key in a template",
    "a password in a URL",
  ],
  check: (job) => {
    const named = keysNamedIn(job);
    const text = JSON.stringify(job);
    return [
      ...Object.keys(FORBIDDEN_KEYS).filter((key) => named.has(key)).map((key) => `names ${key}, which is forbidden: ${FORBIDDEN_KEYS[key]}; remove it`),
      ...SECRET_PATTERNS.filter(([, pattern]) => pattern.test(text)).map(([what]) => `contains what looks like ${what}; put it into Vault and read it by a template`),
      ...shown("meta", inMap(job.Meta)),
      ...groups(job, (group) => [
        ...shown("meta", inMap(metaOf(group))),
        ...(group.Services ?? []).flatMap((service) => [...shown(`meta of service ${service.Name}`, inMap(metaOf(service))), ...shown(`tags of service ${service.Name}`, (service.Tags ?? []).flatMap(assignedIn))]),
      ]),
      ...tasks(job, (task) => taskViolations(job.ID, task)),
    ];
  },
};
