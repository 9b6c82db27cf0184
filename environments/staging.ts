/**
 * Staging: a second cluster on production's tailnet, with its own tags, Nomad
 * namespace, Consul domain, Vault paths and state. What it does not say, it
 * shares with production.
 */
import { production } from "./production";
import type { EnvironmentInput } from "./schema";

const [first, second] = production.nodes;

export const staging: EnvironmentInput = {
  ...production,
  name: "staging",
  nodes: [
    { ...first, name: "staging-1", tailnetName: "staging-1.example-tailnet.ts.net", tailnetAddress: "100.64.1.11", ssh: { ...first.ssh, hostKey: "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJ4YprtmFNgnTUYVhcEZ8yfBvaE1iK6IaBbXfed61gtsL6hKL+ddFAd0YiMDVTwnz2mJDpZ/Z9DkbT0u2dsHuZA=" } },
    { ...second, name: "staging-2", tailnetName: "staging-2.example-tailnet.ts.net", tailnetAddress: "100.64.1.12", ssh: { ...second.ssh, hostKey: "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAwuJX4sW9UHABrfgTZBIsPAim5szaiNG+wygSrXrAZpvf7jw6W1a/tlKPWk2eewbXLj/E2YSY2cM3AfXw/akkI=" } },
  ],
  witness: { name: "staging-witness", ssh: { user: "root", port: 22 } },
  vultr: { enabled: true, plan: "vc2-1c-1gb", region: "fra", os: "Debian 12 x64 (bookworm)", sshAuthorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFZ1WlR0c8o1b7dAqFqJ0mJxqS4wVt3nTn1y8yB2r5fT operator"] },
  tailnet: {
    enabled: true,
    name: "example.com",
    tagPrefix: "gvfx-staging",
    userGroup: "group:gvfx-staging-users",
    userGroupMembers: ["trader@example.com"],
    operatorGroup: "group:gvfx-staging-operators",
    operators: ["operator@example.com"],
    consulTag: "tag:consul-staging",
    vaultTag: "tag:vault",
  },
  nomad: { ...production.nomad, address: "https://100.64.1.11:4646", namespace: "gvfx-staging", datacenter: "staging", rotationFile: "environments/staging.rotation.json", authorityFile: "environments/staging.ca.pem" },
  consul: { ...production.consul, address: "https://100.64.1.21:8501", servers: ["100.64.1.21"], datacenter: "staging", domain: "staging.consul" },
  vault: { ...production.vault, kvMount: "gvfx-staging", authPath: "jwt-nomad-staging" },
  tuning: { ...production.tuning, api: { ...production.tuning.api, CORS_ORIGIN: "http://gvfx-frontend.service.staging.consul:3000" } },
  dataPlane: { ...production.dataPlane, node: "staging-1" },
  dataMove: { ...production.dataMove, convexUrl: "http://gvfx-convex.service.staging.consul:3210" },
  backend: { kind: "local", folder: ".gvfx/state/staging" },
  alerts: { destination: "https://alerts.example.com/hooks/gvfx-staging", deadManInterval: "60s" },
};
