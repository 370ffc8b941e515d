import TestSupport

/// Batches that vLLM 0.32.0's own `Scheduler` and `AsyncScheduler` formed for small workloads.
///
/// A case is a line `case SEED BUDGET SEQUENCES BLOCKS CACHING ASYNC THRESHOLD RESERVES MAX_LENGTH
/// PREFIX_BLOCK_TOKENS REQUESTS STEPS` (KV blocks of 4 tokens; vLLM's null block is not counted), a
/// line `CALL PROMPT OUTPUTS PREFIX_BLOCKS…` for each request, which is added before that call of
/// `schedule`, or before the next one on an idle engine, and a line for each call that scheduled
/// anything: rows as `REQUEST:COMPUTED+NEW` in the engine's order, requests preempted since the step
/// before in ascending order, and the blocks free after the call. Tokens are processed after the next
/// call under asynchronous scheduling, and at once otherwise; every output has its full length.
enum VLLMBatches {
  /// The committed cases.
  static func cases() throws -> String {
    try RepositoryFile.text("Tests/EngineSimulationTests/Fixtures/vllm-0.32-batches.txt")
  }
}
