/** Where each line is drawn, and why there. */
import { Duration, Size } from "../../contracts/units";

/**
 * A node's clock against this machine's. The exchange refuses an order whose
 * timestamp is older than BINGX_RECV_WINDOW, 5 s by default: a tenth of it leaves
 * the rest to the network. The logs of two nodes can still be laid side by side.
 */
export const NODE_CLOCK_SKEW = Duration.ms(500);

/**
 * Consul's and Vault's clocks. Both allow 60 s between the clock that signed a
 * workload's identity and theirs (clock_skew_leeway); half of that, since either may drift.
 */
export const SERVER_CLOCK_SKEW = Duration.seconds(30);

/**
 * 99th percentile of synchronous 4 KiB writes. Raft answers only after a write is on
 * disk; etcd's guidance for the same design is below 10 ms, and a slower disk shows as
 * leader elections, each of which costs the worker failover_heartbeat_ttl.
 */
export const SYNC_P99 = Duration.ms(10);
/** Fewer writes than this within the probe's limit mean a disk far beyond the line. */
export const MIN_SYNC_SAMPLES = 20;

/** Nomad's state, logs of allocations and their ephemeral disks, on top of what the node reserves. */
export const NOMAD_DISK = Size.gibibytes(5);
/** A Consul agent keeps its services, checks and a few logs. */
export const CONSUL_DISK = Size.gibibytes(1);
/** Two versions of each image while a canary runs, the one with the learning libraries several GiB alone, and images are kept 30 days. */
export const IMAGE_DISK = Size.gibibytes(20);
/** Postgres with its write-ahead log, MinIO, and a snapshot import, which needs the data twice for a while. */
export const VOLUME_DISK = Size.gibibytes(20);
/** The first backup of as much, and weeks of what changes: each backup adds only that. */
export const BACKUP_DISK = Size.gibibytes(40);
/** Free inodes: a full table looks like a full disk that has space. */
export const FREE_INODES = 0.1;

/** First engine that knows cgroup v2, which current distributions boot with. */
export const MIN_DOCKER = "20.10.0";
/** First Vault whose JWT login takes a JSON pointer as user claim (vault CHANGELOG 1.11.0), as workload identities need. */
export const MIN_VAULT = "1.11.0";
/** Consul's upgrade guide goes two minor versions at a time: agents further behind their servers are beyond what is tested together. */
export const MAX_CONSUL_MINORS_BEHIND = 2;

/** A first deploy waits up to 15 min for the witness and several for each node; a token that ends meanwhile leaves it half done. */
export const MIN_TOKEN_LIFE = Duration.hours(1);
/** An authority that ends sooner would end the cluster's connections before anybody plans for it. */
export const MIN_AUTHORITY_LIFE = Duration.days(30);
