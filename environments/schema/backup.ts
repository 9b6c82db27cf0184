/** Backups of the data plane: how often, how long they are kept, where else they go, and what makes them late. */
import { z } from "zod";
import { authoritySchema } from "./authority";
import { count, duration, encryptedUrl, nonEmpty, withExample } from "./fields";

const refused = (reason: string) => z.strictObject({ permitted: z.literal(false), reason: nonEmpty(reason) });

export const backupSchema = z.strictObject({
  /** Between two backups. A loss of the data node may cost this and the length of a run (docs/backup.md): at 10m, less than a quarter of an hour. Divides an hour or a day. */
  interval: duration("10m"),
  /** A newest backup that is older than this is an alert. At least three times the interval, and twice it and ten minutes: a run lasts an interval at most, and one that fails and is made good by the next is no alert. */
  lateAfter: duration("30m"),
  /** The newest backups, all of them; then one a day and one a week. */
  keepLast: count(144),
  keepDaily: count(14),
  keepWeekly: count(8),
  /** How long MinIO keeps an object after it was deleted, whole days: a backup that takes long, and whoever deleted by mistake, still find it. */
  objectRetention: duration("30d"),
  /** Between two checks of the repository, which read a part of what it holds. */
  checkEvery: duration("24h"),
  /** A second copy at any address that speaks S3. Its keys are in Vault (BACKUP_S3_KEY_ID, BACKUP_S3_SECRET_KEY). */
  s3: z
    .strictObject({
      /** As restic writes it: s3:, the server's address, the bucket and a folder. */
      repository: withExample(z.string().regex(/^s3:https?:\/\/[^/\s@]+\/[a-z0-9.-]{3,63}(\/[A-Za-z0-9._-]+)*$/, "must be s3:, the server's address, a bucket and a folder, without credentials"), "s3:https://s3.example.com/gvfx-backups/production"),
      region: withExample(z.string().regex(/^[a-z0-9-]+$/, "must be the name of a region"), "us-east-1"),
    })
    .optional(),
  /** Receives a request after each run that succeeded; its silence is an alarm that depends on nothing here. Expect one an interval. */
  deadManUrl: encryptedUrl("https://alerts.example.com/heartbeat/gvfx-backup").optional(),
  /** Snapshots of the clusters below, beside Nomad's, which every backup holds. */
  clusterSnapshots: z.strictObject({
    /** Asks for a token in Vault (CONSUL_SNAPSHOT_TOKEN) that may write Consul's ACLs: Consul gives its snapshot to no other. */
    consul: z.discriminatedUnion("permitted", [z.strictObject({ permitted: z.literal(true) }), refused("its snapshot needs a token that could do anything")]),
    /** Only where Vault keeps its data itself (integrated storage). `authority`: of Vault's certificate, unless a public one signed it. */
    vault: z.discriminatedUnion("permitted", [z.strictObject({ permitted: z.literal(true), authority: authoritySchema.optional() }), refused("Vault's storage is Consul's")]),
  }),
});
