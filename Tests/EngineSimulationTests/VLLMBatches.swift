import FoundationEssentials
import TestSupport

/// Batches that vLLM 0.32.0's own `Scheduler` and `AsyncScheduler` formed, as
/// `Tests/SchedulerDifferential/vllm_cases.py` writes them.
///
/// A case is a line `case NAME BUDGET SEQUENCES BLOCKS BLOCK_SIZE CACHING ASYNC THRESHOLD RESERVES
/// MAX_LENGTH PREFIX_BLOCK_TOKENS REQUESTS STEPS` (vLLM's null block is not counted), behind which stand
/// `version=0.32.0 step_us=5 token_us=1` and perhaps options as `active=3 watermark=0.1 adaptive=1`; a line
/// `ARRIVAL PROMPT OUTPUTS PREFIX_BLOCKS…` for each request, and a line for each step: rows as
/// `REQUEST:COMPUTED+NEW` in the engine's order, requests preempted since the step before in ascending
/// order, the blocks free after the call of `schedule`, and when that was.
///
/// Times are in microseconds. A step takes the GPU `step_us` and `token_us` for each of its tokens, and
/// nothing else takes time: the scheduler is called as soon as the engine can, and knows what has arrived
/// by then. Under asynchronous scheduling two steps are in flight. Every output has its full length.
enum VLLMBatches {
  /// The environment variable that names a file of more cases than the committed ones.
  static let variable = "REPRISE_VLLM_CASES"

  /// The path of that file; `nil` where the variable is not set.
  static var generatedPath: String? { ProcessInfo.processInfo.environment[variable] }

  /// The committed cases: small ones, found to differ where a rule is missing.
  static func committed() throws -> String {
    try RepositoryFile.text("Tests/EngineSimulationTests/Fixtures/vllm-0.32-batches.txt")
  }

  /// The cases of a file made by `vllm_cases.py`.
  static func generated(path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
  }
}
