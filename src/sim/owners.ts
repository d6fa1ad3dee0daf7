/** Why this exists: who owns a partition is the broker's to say, not the members'. */
import type { TopicPartition } from "../ports/record.ts";
import type { World } from "./world.ts";

export class Owners {
  readonly #world: World;
  /** By member: what the broker calls it. */
  readonly #ids = new Map<string, string>();

  constructor(world: World) {
    this.#world = world;
    world.audience.watch({ joined: (fact, member) => void this.#ids.set(member, fact.memberId) });
  }

  /** Whether the member owns it by the last division. */
  isOwner(where: TopicPartition, member: string): boolean {
    return this.#owner(where) === this.#ids.get(member);
  }

  /** Who else owns it by the last division, as the broker calls it; null: nobody else. */
  other(where: TopicPartition, member: string): string | null {
    const owner = this.#owner(where);
    return owner === this.#ids.get(member) ? null : owner;
  }

  #owner({ topic, partition }: TopicPartition): string | null {
    const { progress, kafka } = this.#world;
    const group = progress.groupOf(topic);
    if (group === undefined) return null;
    const { members } = kafka.describe(group.groupId);
    const owner = members.find(({ partitions }) =>
      partitions.some((p) => p.topic === topic && p.partition === partition),
    );
    return owner?.memberId ?? null;
  }
}
