/**
 * Why this exists: types for `kafka-server.mjs`. Not named `kafka-server.d.mts`, since Biome's
 * import rule would then rewrite every import of the module to that name.
 */
declare module "*/kafka-server.mjs" {
  export const KAFKA_VERSION: string;

  export interface KafkaServer {
    readonly port: number;
    readonly pid: number;
    /** Where Kafka's jars lie. */
    readonly home: string;
    /** The broker's data; `startKafka({ port, dir })` goes on with it. */
    readonly dir: string;
    /** Settles when the broker's process has ended. */
    readonly ended: Promise<unknown>;
    /** Stops in good order; removes the data unless its folder was given. */
    stop(): Promise<void>;
    /** `kill -9`; the data stay. */
    kill(): Promise<void>;
  }

  /** Rejects with one line where Java or, for the first start, Maven is missing. */
  export function startKafka(options?: { port?: number; dir?: string }): Promise<KafkaServer>;

  /** What Kafka's own `kafka-consumer-groups --describe` prints. */
  export function describeGroup(options: { bootstrap: string; group: string }): Promise<string>;
}
