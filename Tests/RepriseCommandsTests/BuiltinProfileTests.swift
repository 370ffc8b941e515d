import MachineProfiles
import StepTiming
import TestSupport
import Testing
import TraceModel

@testable import RepriseCommands

/// The profile in the binary, held to measured batches that it was not fitted to.
@Suite("The built-in profile against kernels measured apart")
struct BuiltinProfileTests {
  /// What is held of one kernel and kind of batch.
  struct Bound: CustomTestStringConvertible, Sendable {
    let part: String
    let median: Double
    let p90: Double
    var testDescription: String { part }
  }

  static let bounds = [
    Bound(part: "triton-2d, decode", median: 0.03, p90: 0.12),
    Bound(part: "triton-2d, skewed", median: 0.01, p90: 0.04),
    Bound(part: "triton-2d, long", median: 0.02, p90: 0.03),
    Bound(part: "triton-2d, mixed", median: 0.02, p90: 0.08),
    Bound(part: "triton-2d, prompts", median: 0.02, p90: 0.05),
    Bound(part: "triton-3d-16, decode", median: 0.03, p90: 0.07),
    Bound(part: "triton-3d-16, skewed", median: 0.02, p90: 0.05),
    Bound(part: "triton-3d-16, long", median: 0.02, p90: 0.05),
    Bound(part: "all batches", median: 0.02, p90: 0.06),
  ]

  @Test("times random batches of every kind within a few percent", arguments: bounds)
  func heldOutErrorIsSmall(bound: Bound) throws {
    let path = RepositoryFile.path("traces/h200/plan-held-out.jsonl.zst")
    let profile = try #require(try BuiltinProfiles.profile(gpu: "NVIDIA H200"))
    let errors = try MeasuredKernels([path]).errors(of: profile)
    let error = try #require(errors.first { $0.part == "held out: \(bound.part)" }?.error)
    #expect(error.median < bound.median, "\(error)")
    #expect(error.p90 < bound.p90, "\(error)")
  }

  @Test("comes back from its JSON, and hosts that cannot be are refused")
  func json() throws {
    let profile = try #require(try BuiltinProfiles.profile(gpu: "NVIDIA H200"))
    let copy = try MachineProfile(json: profile.json, source: "copy")
    #expect(copy.models.map(\.host) == profile.models.map(\.host))
    #expect(profile.models.contains { $0.host.newSizeSpread != .none })
    func refused(_ change: (inout HostTiming) -> Void) {
      var changed = profile
      change(&changed.models[0].host)
      #expect(throws: MachineProfileError.self) {
        try MachineProfile(json: changed.json, source: "changed")
      }
    }
    refused { $0.processPaces = [0, 1] }
    refused { $0.processPaces = [1, 1e9] }
    refused { $0.pieceLaunch = Nanoseconds(Int64.max / 2) }
    refused { $0.newSizeSpread = DelaySpread(offsets: [Nanoseconds(Int64.max / 2)]) }
  }
}
