import Glibc

/// Writes a long step log: many requests that decode side by side, one in and one out every few steps.
struct LargeStepLog {
  let rows = 256
  let steps = 20_000
  private let outputTokens = 512

  /// Rows of all steps.
  var rowCount: Int { rows * steps }

  /// Writes the log to a file.
  func write(to path: String) {
    guard let file = unsafe fopen(path, "w") else { fail("cannot write \(path)") }
    defer { unsafe fclose(file) }
    func put(_ line: String) { unsafe fputs(line, file) }
    put(
      #"{"kind":"header","schema":"engine-step-log/1","engine":"benchmark","time_unit":"s"}"# + "\n"
    )
    var live: [(id: Int, computed: Int)] = []
    var next = 0
    for step in 0..<steps {
      live.removeAll { $0.computed >= 1000 + outputTokens - 1 }
      // Requests come in one at a time, so that they also end one at a time.
      if live.count < rows {
        put(
          #"{"kind":"request","id":\#(next),"arrival":\#(text(Double(step) / 50, 2)),"#
            + #""prompt_tokens":1000,"output_tokens":\#(outputTokens)}"# + "\n")
        live.append((next, 0))
        next += 1
      }
      let start = Double(step) / 50
      let batch = live.map { "[\($0.id),\($0.computed),\($0.computed == 0 ? 1000 : 1)]" }
      put(
        #"{"kind":"step","step":\#(step),"schedule_start":\#(text(start, 6)),"#
          + #""schedule_end":\#(text(start + 0.0001, 6)),"output":\#(text(start + 0.019, 6)),"#
          + #""gpu_ms":18.\#(1000 + step % 9000),"batch":[\#(batch.joined(separator: ","))]}"#
          + "\n")
      for index in live.indices {
        live[index].computed += live[index].computed == 0 ? 1000 : 1
      }
    }
  }
}
