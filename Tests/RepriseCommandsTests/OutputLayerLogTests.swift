import MachineProfiles
import StepTiming
import TestSupport
import Testing
import TraceModel

@Suite("Logs of output layers")
struct OutputLayerLogTests {
  private func layers(_ text: String) throws -> [String: OutputLayer] {
    try OutputLayerLog.layers(text: text, source: "test", gpu: "NVIDIA H200")
  }

  @Test(
    "the built-in profile has the kernels of the committed log, whose waits are their first launches"
  )
  func committed() throws {
    let text = try RepositoryFile.text("traces/h200/output-layer.jsonl")
    let measured = try layers(text)
    let profile = try #require(try BuiltinProfiles.profile(gpu: "NVIDIA H200"))
    #expect(measured.count == profile.models.count)
    for model in profile.models {
      let layer = try #require(measured[model.shape.name])
      #expect(model.outputLayer == layer)
    }
    for line in text.split(separator: "\n") {
      let json = try JSONValue(parsing: String(line))
      let layer = try #require(json["model"]?.string.flatMap { measured[$0] })
      guard case .array(let waits)? = json["waited_at"] else { continue }
      var seen: Set<Int> = []
      let first = layer.parts.filter { seen.insert($0.kernel).inserted }.map(\.rows)
      #expect(waits.compactMap(\.int) == first)
    }
  }

  @Test("a profile's output layers come back from its JSON, and others are refused")
  func profile() throws {
    let profile = try #require(try BuiltinProfiles.profile(gpu: "NVIDIA H200"))
    let copy = try MachineProfile(json: profile.json, source: "copy")
    #expect(copy.models.map(\.outputLayer) == profile.models.map(\.outputLayer))
    var none = profile
    for place in none.models.indices { none.models[place].outputLayer = .unknown }
    let read = try MachineProfile(json: none.json, source: "copy")
    #expect(read.models.allSatisfy { $0.outputLayer == .unknown })
  }

  @Test("a model has one line, of this GPU, with kernels for all rows")
  func refused() throws {
    func line(gpu: String = "NVIDIA H200", rows: String = "[[1,0]]", tokens: String = #"["1-8"]"#)
      -> String
    {
      #"{"op":"output-layer","gpu":"\#(gpu)","model":"m","rows":\#(rows),"layer_tokens":\#(tokens)}"#
    }
    #expect(try layers(line() + "\n{}\n").count == 1)
    for text in [
      line() + "\n" + line(), line(gpu: "other"), line(rows: "[[2,0]]"), line(rows: "[[1,1]]"),
      line(rows: "[1]"), line(rows: "[[1]]"), line(tokens: "[1]"), line(tokens: #"["8-1"]"#),
    ] {
      #expect(throws: MachineProfileError.self, "\(text)") { try layers(text) }
    }
  }
}
