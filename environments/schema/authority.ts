/** The authority of a server's certificate, as an environment names it. */
import { z } from "zod";
import { nonEmpty, withExample } from "./fields";

/** It goes into a job: a container cannot read the node's file. */
export const authoritySchema = withExample(
  z.union([
    /** The certificate itself; it is public. */
    z.strictObject({ pem: z.string().regex(/^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n$/, "must be one certificate as PEM, with a line end") }),
    /** Of a lab, whose authority is made after its environment was written. While the file is not there, no server is asked. */
    z.strictObject({ file: nonEmpty(".gvfx/lab/ca/lab.pem") }),
  ]),
  { pem: "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n" },
);
