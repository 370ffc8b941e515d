import Synchronization

/// A bar on standard error for work of more than a second; nothing where that is no terminal.
///
/// Several threads may report at once, each its own part.
final class ProgressBar: Sendable {
  private struct State {
    var parts: [Double]
    var drawnAt: ContinuousClock.Instant
    var isShown = false
  }

  private let sink: any OutputSink
  private let isActive: Bool
  private let label: String
  private let start: ContinuousClock.Instant
  private let state: Mutex<State>

  private let patience: Duration

  private static let interval = Duration.milliseconds(100)
  private static let width = 40

  /// A bar over some parts of equal weight, drawn only after `patience` has passed.
  init(
    _ label: String, parts: Int = 1, on console: Console, patience: Duration = .seconds(1)
  ) {
    self.patience = patience
    sink = console.errors
    isActive = console.errors.isTerminal
    self.label = console.subject ?? label
    start = .now
    state = Mutex(State(parts: Array(repeating: 0, count: max(1, parts)), drawnAt: .now))
  }

  /// Says how much of one part is done, from 0 to 1.
  func update(_ fraction: Double, part: Int = 0) {
    guard isActive else { return }
    let line: String? = state.withLock { state in
      state.parts[part] = min(max(fraction, 0), 1)
      let now = ContinuousClock.now
      guard now - start >= patience, !state.isShown || now - state.drawnAt > Self.interval
      else { return nil }
      state.drawnAt = now
      state.isShown = true
      let done = state.parts.reduce(0, +) / Double(state.parts.count)
      return Self.line(label, done: done, elapsed: now - start)
    }
    if let line { try? sink.write(line.utf8.span) }
  }

  /// Wipes the bar, so that what follows starts on a clean line.
  func finish() {
    guard isActive, state.withLock({ $0.isShown }) else { return }
    try? sink.write("\r\u{1B}[K".utf8.span)
  }

  private static func line(_ label: String, done: Double, elapsed: Duration) -> String {
    let filled = Int(done * Double(width))
    let bar =
      String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    var line = "\r\u{1B}[K\(label) \(bar) \(Int(done * 100)) %"
    let seconds = Double(elapsed.components.seconds)
    if done > 0.02 { line += ", \(Int((seconds / done - seconds).rounded())) s left" }
    return line
  }
}
