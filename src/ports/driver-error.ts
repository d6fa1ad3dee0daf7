/** Why this exists: what can go wrong between us and a log, in words that need no driver to read. */

export type DriverErrorCode =
  /** No broker answered. */
  | "unreachable"
  /** A topic that was asked for does not exist. */
  | "unknown_topic"
  /** A partition that was asked for does not exist. */
  | "unknown_partition"
  /** The broker does not let us in, or not to this topic or group. */
  | "unauthorized"
  /** The other members of the group divide its partitions by another protocol. */
  | "inconsistent_group_protocol"
  /** The record is larger than the broker takes. */
  | "record_too_large"
  /** No answer in time; whether it happened is not known. */
  | "timeout"
  /** The session or sink was closed. */
  | "closed"
  /** Anything else; `cause` has the driver's own error. */
  | "failed";

export class DriverError extends Error {
  override readonly name = "DriverError";
  readonly code: DriverErrorCode;
  /** Whether the same request may succeed later without anybody changing anything. */
  readonly retriable: boolean;

  constructor(
    code: DriverErrorCode,
    message: string,
    options: { retriable: boolean; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retriable = options.retriable;
  }
}
