import KernelSelection
import MachineProfiles
import StepTiming
import TestSupport
import Testing
import TraceModel

@Suite("Logs of where CTAs went")
struct PlacementLogTests {
  private static let path = "traces/h200/cta-placement.jsonl"

  private func launches(_ text: String) throws -> [[Int16]] {
    try PlacementLog.launches(text: text, source: "test", gpu: "NVIDIA H200", smCount: 132)
  }

  @Test("the built-in profile deals CTAs as the committed log has it")
  func committed() throws {
    let text = try RepositoryFile.text(Self.path)
    let measured = try launches(text)
    let profile = try #require(try BuiltinProfiles.profile(gpu: "NVIDIA H200"))
    #expect(profile.placement == CTAPlacement(smCount: 132, launches: measured))
    #expect(measured.count == text.split(separator: "\n").count)
    for launch in measured {
      let loads = Dictionary(grouping: launch, by: \.self).values.map(\.count)
      #expect(loads.count == 132)
      #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= 1, "\(launch.count) CTAs, evenly")
    }
    let kernels = try KernelLog.measurements(
      text: text, source: "test",
      context: AttentionContext(
        queryHeads: 32, kvHeads: 8, headSize: 128, kvBlockSize: 16, smCount: 132,
        graphs: CUDAGraphs(mode: .none, captureSizes: [])))
    #expect(kernels.isEmpty)
  }

  @Test("a profile's launches come back from its JSON, and SMs that a GPU lacks are refused")
  func profile() throws {
    var profile = try #require(try BuiltinProfiles.profile(gpu: "NVIDIA H200"))
    #expect(
      try MachineProfile(json: profile.json, source: "copy").placement == profile.placement)
    profile.placement = .inTurn(smCount: 132)
    #expect(
      try MachineProfile(json: profile.json, source: "copy").placement == profile.placement)
    for sms: [Int16] in [[132], [-1], []] {
      profile.placement = CTAPlacement(smCount: 132, launches: [sms])
      #expect(throws: MachineProfileError.self) {
        try MachineProfile(json: profile.json, source: "changed")
      }
    }
  }

  @Test("two lines of one launch must agree")
  func contradiction() throws {
    let head = #"{"op":"cta-placement","gpu":"NVIDIA H200","sm_count":132,"ctas":2,"sms":"#
    #expect(try launches(head + "[0,1]}\n" + head + "[0,1]}") == [[0, 1]])
    #expect(throws: MachineProfileError.self) {
      try launches(head + "[0,1]}\n" + head + "[1,0]}")
    }
  }

  @Test(
    "a line that cannot be is refused with its number",
    arguments: [
      #"{"op":"cta-placement","gpu":"NVIDIA H100","sm_count":132,"ctas":1,"sms":[0]}"#,
      #"{"op":"cta-placement","gpu":"NVIDIA H200","sm_count":144,"ctas":1,"sms":[0]}"#,
      #"{"op":"cta-placement","gpu":"NVIDIA H200","sm_count":132,"ctas":2,"sms":[0]}"#,
      #"{"op":"cta-placement","gpu":"NVIDIA H200","sm_count":132,"ctas":1,"sms":[132]}"#,
      #"{"op":"cta-placement","gpu":"NVIDIA H200","sm_count":132,"ctas":1,"sms":["0"]}"#,
      #"{"op":"cta-placement","gpu":"NVIDIA H200","sm_count":132,"ctas":0,"sms":[]}"#,
    ])
  func refused(line: String) throws {
    let error = #expect(throws: MachineProfileError.self) {
      try launches(#"{"op":"paged-attention"}"# + "\n" + line)
    }
    #expect(error?.message.hasPrefix("test:2: ") == true, "\(error?.message ?? "")")
  }
}
