import TestSupport
import Testing

@testable import RepriseCommands

@Suite("A profile that no fit gave")
struct ProfileFileTests {
  @Test("is refused by the key that is wrong", arguments: ["-1", "1e308", "\"20\""])
  func parameterOutOfRange(value: String) async throws {
    let overhead = #/"cta_overhead_tokens": *[0-9.e-]+/#
    let call = try await Self.replay(overhead, as: "\"cta_overhead_tokens\": \(value)")
    #expect(call.exitCode == 1)
    #expect(call.errors.contains("`cta_overhead_tokens` is not a number"), "\(call.errors)")
  }

  @Test(
    "is refused where its power limit is none, or was fitted before there was one",
    arguments: [
      ("\"power_limit\": {\"excess\": -1,", "`excess` is not"),
      (
        "\"prompt_recovery\": {\"share\": 0.1}, \"power_limit\": {\"excess\": 0.1,",
        "`power_limit` is not"
      ),
    ])
  func powerLimit(value: String, message: String) async throws {
    let call = try await Self.replay(#/"power_limit": *{\s*"excess": *[0-9.e-]+,/#, as: value)
    #expect(call.exitCode == 1)
    #expect(call.errors.contains(message), "\(call.errors)")
  }

  @Test("is taken without what fits had not found before")
  func older() async throws {
    let call = try await Self.replay(#/"slowing": *[0-9.e-]+,/#, as: "")
    #expect(call.exitCode == 0, "\(call.errors)")
    let wrong = try await Self.replay(#/"slowing": *[0-9.e-]+,/#, as: "\"slowing\": -1,")
    #expect(wrong.errors.contains("`slowing` is not"), "\(wrong.errors)")
  }

  /// A replay with the built-in profile, of which a part reads otherwise.
  private static func replay(_ part: Regex<Substring>, as text: String) async throws -> CommandCall
  {
    let folder = try TemporaryDirectory()
    let profile = try RepositoryFile.text("Sources/CMachineProfiles/nvidia-h200.json")
    let changed = profile.replacing(part, with: text)
    #expect(changed != profile)
    return await CommandCall(
      "replay", RepositoryFile.path("traces/h200/mistral-small-24b-random-qps1.always-2d.reprise"),
      "--policy", "always-3d", "--profile", try folder.write(changed.utf8, to: "profile.json"))
  }
}
