import Testing

@testable import RepriseCommands

@Suite("The progress bar")
struct ProgressBarTests {
  @Test("shows the mean of its parts on a terminal and wipes itself in the end")
  func terminal() {
    let sink = MemorySink(isTerminal: true)
    let console = Console(output: MemorySink(), errors: sink)
    let bar = ProgressBar("replay", parts: 2, on: console, patience: .zero)
    bar.update(1, part: 0)
    #expect(sink.text.contains("replay"))
    #expect(sink.text.contains("50 %"))
    bar.finish()
    #expect(sink.text.hasSuffix("\r\u{1B}[K"))
  }

  @Test("prints nothing into a file or a pipe")
  func file() {
    let sink = MemorySink()
    let bar = ProgressBar(
      "replay", on: Console(output: MemorySink(), errors: sink), patience: .zero)
    bar.update(0.5)
    bar.finish()
    #expect(sink.text.isEmpty)
  }

  @Test("stays away from work that is soon done")
  func short() {
    let sink = MemorySink(isTerminal: true)
    let bar = ProgressBar(
      "replay", on: Console(output: MemorySink(), errors: sink), patience: .seconds(1000))
    bar.update(0.5)
    bar.finish()
    #expect(sink.text.isEmpty)
  }
}
