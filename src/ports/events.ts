/** Why this exists: what happens on a stream, in the one union of events. */
import type { Subject } from "../kernel/events.ts";
import type { TopicPartition } from "./record.ts";

declare module "../kernel/events.ts" {
  interface Events {
    /** A generation began for this member. */
    joined: Subject & {
      readonly group: string;
      readonly memberId: string;
      readonly partitions: readonly (TopicPartition & { readonly epoch: number })[];
    };
    /** The session with the broker is over; a new one will be tried unless the manager ends. */
    session_lost: Subject & { readonly group: string; readonly code: string; readonly why: string };
    /** A partition was gained: acks count from `offset` on, in `epoch`. */
    opened: Subject &
      TopicPartition & {
        readonly epoch: number;
        readonly offset: number;
        readonly committed: number | null;
      };
    closed: Subject & TopicPartition & { readonly epoch: number };
    /** A worker, `incarnation` being its pid, took the partition over; from now on its acks count. */
    located: Subject & TopicPartition & { readonly epoch: number; readonly incarnation: number };
    /** Records reached the window of their partition. */
    fetched: Subject &
      TopicPartition & {
        readonly epoch: number;
        readonly firstOffset: number;
        readonly nextOffset: number;
        readonly records: number;
      };
    /** A handler was given so many records of `firstOffset` to `lastOffset`. The subject is the worker. */
    handling: Subject &
      TopicPartition & {
        readonly epoch: number;
        readonly firstOffset: number;
        readonly lastOffset: number;
        readonly records: number;
      };
    acked: Subject &
      TopicPartition & { readonly epoch: number; readonly offsets: readonly number[] };
    /** An ack or a commit of an incarnation or epoch that is over: it changes nothing. */
    fenced: Subject & TopicPartition & { readonly epoch: number; readonly what: "ack" | "commit" };
    /** The broker confirmed a commit. */
    committed: Subject & TopicPartition & { readonly epoch: number; readonly offset: number };
    commit_failed: Subject & { readonly status: string; readonly why: string };
    /** The position lay outside the log and was moved by policy: the records between are gone. */
    offset_reset: Subject & TopicPartition & { readonly from: number; readonly to: number };
    /** The deadline of a stop passed while a handler still worked on these records. */
    given_up: Subject &
      TopicPartition & {
        readonly firstOffset: number;
        readonly lastOffset: number;
        readonly records: number;
      };
  }
}
