import EngineSimulation
import KernelSelection
import MachineProfiles
import StepTiming
import TestSupport
import Testing
import TraceFile
import TraceModel

@Suite("A profile with one number changed")
struct ProfileNumbersTests {
  private let engine: EngineModel
  private let profile: JSONValue

  init() throws {
    let path = RepositoryFile.path(
      "traces/h200/mistral-small-24b-random-qps1.always-2d.reprise")
    engine = try EngineModel(header: TraceReader(path: path).header)
    let builtin = "Sources/CMachineProfiles/nvidia-h200.json"
    profile = try JSONValue(parsing: RepositoryFile.bytes(builtin))
  }

  @Test(
    "is refused or gives times, and never ends the program",
    arguments: [
      JSONValue.integer(0), .integer(-1), .number(1e30), .number(1e-29), .number(999_999),
      .integer(.max),
    ])
  func everyNumber(value: JSONValue) throws {
    let paths = Self.numberPaths(in: profile)
    #expect(paths.count > 100)
    var refused = 0
    for path in paths {
      let changed = Self.replacing(path[...], in: profile, with: value)
      guard let read = try? MachineProfile(json: changed, source: "test") else {
        refused += 1
        continue
      }
      try use(read)
    }
    if value == .integer(-1) || value == .number(1e30) {
      // Extra microseconds and launches may be below another's.
      #expect(refused > paths.count * 3 / 4)
    }
  }

  @Test("is refused by its key")
  func keys() throws {
    for key in ["sharpness", "piece_launch_us", "engine_extra_us", "gathering_us", "credit_us"] {
      let path = try #require(
        Self.numberPaths(in: profile).first { $0.last == .member(key) }, "\(key)")
      let changed = Self.replacing(path[...], in: profile, with: .number(-1))
      let error = #expect(throws: MachineProfileError.self) {
        try MachineProfile(json: changed, source: "test")
      }
      #expect(error?.message.contains("`\(key)` is not a number from") == true)
    }
  }

  @Test("gives bounded launches where a short one has a wide spread")
  func wideSpread() {
    let host = HostTiming(
      pieceLaunch: Nanoseconds(1), libraryPieceLaunch: Nanoseconds(100_000_000_000),
      pieceLaunchSpread: DelaySpread(offsets: [Nanoseconds(100_000_000_000)]))
    let launch = host.launch(
      of: .eager(tokens: 9), attention: .flashAttention3, hasPrompts: true, afterPieces: 0)
    #expect(launch.seconds < 2000)
  }

  /// A replay of requests that come together and apart, under each kernel.
  private func use(_ profile: MachineProfile) throws {
    let model = try profile.model(for: engine.model)
    let requests = (0..<4).map { place in
      TraceRequest(
        id: RequestID(Int64(place)), arrival: Nanoseconds(place < 3 ? 0 : 900_000_000),
        promptTokens: TokenCount(1500), outputTokens: TokenCount(3))
    }
    let host = model.host.processPaces.isEmpty ? model.host : model.host.process(0)
    let replay = RescheduledReplay(
      requests: requests, prefixBlockTokens: nil, engine: engine, host: host)
    let names = ["always-2d", "vllm-0.33", "flash-attention-3", "flashinfer"]
    for policy in SelectionPolicies.all.filter({ names.contains($0.name) }) {
      do throws(TimingError) {
        var timer = try PolicyStepTimer(
          policy: policy, attention: ProfileAttentionTiming(profile.kernels),
          context: engine.attentionContext,
          layers: engine.model.layers, rest: model.rest, candidates: [])
        _ = try replay.run(&timer)
      } catch {
        // No times are an answer, too.
      }
    }
  }
}

extension ProfileNumbersTests {
  /// A way into a JSON value.
  private enum Step: Equatable {
    case member(String)
    case element(Int)
  }

  /// Ways to its numbers; of arrays that are tables or spreads, to the first two entries'.
  private static func numberPaths(in json: JSONValue) -> [[Step]] {
    switch json {
    case .integer, .number: [[]]
    case .object(let members):
      members.flatMap { member in
        numberPaths(in: member.value).map { [.member(member.key)] + $0 }
      }
    case .array(let elements):
      elements.enumerated().flatMap { place, element in
        if place > 1, case .object = element {} else if place > 1 { return [[Step]]() }
        return numberPaths(in: element).map { [.element(place)] + $0 }
      }
    default: []
    }
  }

  private static func replacing(
    _ path: ArraySlice<Step>, in json: JSONValue, with value: JSONValue
  ) -> JSONValue {
    guard let step = path.first else { return value }
    switch (json, step) {
    case (.object(var members), .member(let key)):
      guard let place = members.firstIndex(where: { $0.key == key }) else { return json }
      members[place].value = replacing(path.dropFirst(), in: members[place].value, with: value)
      return .object(members)
    case (.array(var elements), .element(let place)):
      elements[place] = replacing(path.dropFirst(), in: elements[place], with: value)
      return .array(elements)
    default: return json
    }
  }
}
