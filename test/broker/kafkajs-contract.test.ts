/** Why this exists: kafkajs on a real broker keeps the contract that the in-memory Kafka keeps. */
import { inject } from "vitest";
import { logDriverContract } from "../contract/log-driver-contract.ts";
import { kafkajsWorld } from "./kafkajs-world.ts";

logDriverContract("kafkajs", () => kafkajsWorld(inject("kafka").bootstrap));
