/// What the scheduler knows of a request from the start; places in the trace name requests.
struct SchedulerRequest: Hashable, Sendable {
  /// Tokens of the prompt, at least one.
  var promptTokens: Int32
  /// Tokens that it will be given, at least one; the engine ignores ends of sequence.
  var outputTokens: Int32
  /// Leading tokens of the prompt that were found in the prefix cache of a recorded engine, where nothing
  /// else tells what others had put there.
  var recordedHits: Int32 = 0

  /// Tokens when its last one has come.
  var finalTokens: Int32 { promptTokens + outputTokens }
}

/// A request that holds KV blocks, in the order in which requests are served.
///
/// `tokens` counts prompt and outputs, those included that a step in flight will give (vLLM's
/// `num_tokens + num_output_placeholders`); `tokens - computed` is what it wants next.
struct RunningRequest {
  /// Its place in the trace.
  let request: Int32
  /// Its table in the KV pool.
  let table: Int32
  /// Tokens that it has when its last one is on the way.
  let finalTokens: Int32
  /// Leading prompt tokens whose blocks have a name that others may ask for.
  let namedTokens: Int32
  /// Tokens whose keys and values are in the pool, steps in flight included.
  var computed: Int32
  /// Tokens known or on the way.
  var tokens: Int32
  /// Tokens that its blocks can hold.
  var capacity: Int32
  /// The last step that gave it a token, and the first of an unbroken run of such; -1 for none.
  var lastTokenStep: Int32 = -1
  var runStart: Int32 = -1

  /// Whether nothing is left to schedule.
  var isComplete: Bool { tokens == finalTokens }
}

/// A request in the queue: new, or preempted and to be computed again.
struct WaitingRequest {
  /// Its place in the trace.
  let request: Int32
  /// Tokens of the prompt, and of outputs given before a preemption.
  let tokens: Int32
  /// Tokens that had been computed when it was preempted.
  var lost: Int32 = 0
  /// The step that gives the last token known, if that is still in flight; -1 otherwise.
  var lastTokenStep: Int32 = -1
  /// Whether it ran before.
  var isResumed = false
}
