/** An authority and a server's certificate, made anew for each run of the tests. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificates {
  /** PEM of the authority. */
  readonly ca: string;
  /** PEM of a certificate for 127.0.0.1 and consul.test, and its key. */
  readonly cert: string;
  readonly key: string;
}

/** @param days for which the authority is valid */
export function makeCertificates(days = 365): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-certificates-"));
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  try {
    openssl("req", "-x509", ...newKey, "-keyout", at("ca.key"), "-out", at("ca.pem"), "-days", `${days}`, "-subj", "/CN=Test authority");
    openssl("req", ...newKey, "-keyout", at("server.key"), "-out", at("server.csr"), "-subj", "/CN=server");
    writeFileSync(at("names"), "subjectAltName=IP:127.0.0.1,DNS:consul.test");
    openssl("x509", "-req", "-in", at("server.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", `${days}`, "-extfile", at("names"), "-out", at("server.pem"));
    return { ca: readFileSync(at("ca.pem"), "utf8"), cert: readFileSync(at("server.pem"), "utf8"), key: readFileSync(at("server.key"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
