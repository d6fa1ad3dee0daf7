/** Why this exists: what a fault made fail must not be taken for what the user's own code threw. */
export class SimulatedFailure extends Error {
  override readonly name = "Error";
}
