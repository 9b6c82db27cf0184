/** The Convex backend: one copy. Data in Postgres, files in MinIO; it keeps nothing itself. */
import { vaultRole } from "../../contracts/identity";
import { imageReference, type ImageLock } from "../../contracts/images";
import { secretFor } from "../../contracts/secrets";
import { CONVEX_BUCKETS, DEFAULT_PORTS, JOBS, serviceName } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { NODE_TAILNET_ADDRESS } from "../nomad/placement";
import { Probe, type JobSpec, type TemplateSpec } from "../nomad/spec";
import { CHECK_INTERVAL, CHECK_TIMEOUT } from "./policies";
import { CONVEX_ROLE } from "./postgres";
import { pinnedToData } from "./stateful";
import { secretEnvTemplate } from "./templates";

export function convexJob(env: Environment, lock: ImageLock): JobSpec {
  const name = (service: "convex" | "convex-site" | "objectstore") => `${serviceName(service)}.service.${env.consul.domain}`;
  return pinnedToData(env, {
    id: JOBS.convex,
    name: "convex",
    rationale: "SIGINT: the only signal it handles; no canary: a second backend takes the database lease, the first exits 0 on its next write, and a restart steals it back; beside its data: it is of no use without",
    ports: [
      { label: "api", to: DEFAULT_PORTS.convex, static: env.ports.convex },
      { label: "site", to: DEFAULT_PORTS.convexSite, static: env.ports.convexSite },
    ],
    services: [
      // /version is served once database, lease and storage are up.
      { name: serviceName("convex"), port: "api", check: Probe.fromHttpGet("/version", { interval: CHECK_INTERVAL, timeout: CHECK_TIMEOUT }) },
      { name: serviceName("convex-site"), port: "site", check: Probe.fromTcpConnect({ interval: CHECK_INTERVAL, timeout: CHECK_TIMEOUT }) },
    ],
    tasks: [
      {
        name: "convex",
        image: imageReference(env.images.convex, lock.convex),
        ports: ["api", "site"],
        env: {
          INSTANCE_NAME: env.dataPlane.convexInstance,
          CONVEX_CLOUD_ORIGIN: `http://${name("convex")}:${env.ports.convex}`,
          CONVEX_SITE_ORIGIN: `http://${name("convex-site")}:${env.ports.convexSite}`,
          POSTGRES_MAX_CONNECTIONS: String(env.dataPlane.postgres.convexPool),
          // On for any non-empty value. The way to Postgres is the tailnet, which encrypts.
          DO_NOT_REQUIRE_SSL: "true",
          DISABLE_BEACON: "true",
          // All five and the region: any one missing falls back silently to local disk, which a restart loses.
          AWS_REGION: "us-east-1",
          ...CONVEX_BUCKETS,
          S3_ENDPOINT_URL: `http://${name("objectstore")}:${env.ports.objectstore}`,
          AWS_S3_FORCE_PATH_STYLE: "true",
          AWS_S3_DISABLE_SSE: "true",
        },
        templates: [secretEnvTemplate(env.vault.kvMount, JOBS.convex, ["INSTANCE_SECRET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]), postgresUrl(env)],
        vaultRole: vaultRole(env.nomad.namespace, JOBS.convex),
        resources: env.resources.convex,
        killSignal: "SIGINT",
        // Writes in flight and the search index; it stops in a few seconds otherwise.
        killTimeout: Duration.seconds(30),
        dnsServer: NODE_TAILNET_ADDRESS,
        init: true,
      },
    ],
  });
}

/** POSTGRES_URL has no path (the backend adds the instance's database), and its password is percent-encoded. */
function postgresUrl(env: Environment): TemplateSpec {
  const { path, field } = secretFor(JOBS.convex, "CONVEX_DB_PASSWORD");
  const host = `${serviceName("postgres")}.service.${env.consul.domain}:${env.ports.postgres}`;
  return {
    data: `{{ with secret "${env.vault.kvMount}/data/${path}" }}\nPOSTGRES_URL="postgres://${CONVEX_ROLE}:{{ .Data.data.${field} | urlquery }}@${host}"\n{{ end }}\n`,
    destination: "secrets/postgres.env",
    asEnv: true,
    perms: "0600",
  };
}
