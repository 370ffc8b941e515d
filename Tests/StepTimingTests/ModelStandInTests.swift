import KernelSelection
import MachineProfiles
import TraceModel
import Testing

@testable import StepTiming

@Suite("A model's times where another is not profiled")
struct ModelStandInTests {
  private let profile: MachineProfile

  init() throws {
    profile = try #require(try BuiltinProfiles.all().first { $0.gpu == "NVIDIA H200" })
  }

  private func rest(_ model: ModelProfile, _ launch: StepLaunch) -> Double {
    model.rest.time(of: launch).seconds
  }

  @Test("each of two recorded models tells the other's steps by their weights")
  func eachOther() throws {
    let (small, large) = (profile.models[0], profile.models[1])
    for (model, other) in [(small, large), (large, small)] {
      let alone = MachineProfile(
        gpu: profile.gpu, placement: profile.placement, provenance: [], kernels: [],
        models: [other])
      let found = try alone.model(for: model.shape)
      #expect(found.standsIn == other.shape)
      #expect(found.decodeStepError == nil)
      for (launch, within) in [
        (StepLaunch.fullGraph(paddedTokens: 1), 0.2), (.piecewise(paddedTokens: 8192), 0.06),
      ] {
        let error = rest(found, launch) / rest(model, launch) - 1
        #expect(error.magnitude < within, "\(other.shape.name) for \(model.shape.name): \(error)")
        // As they are, they would be off by more than the half.
        #expect((rest(other, launch) / rest(model, launch) - 1).magnitude > 0.5)
      }
    }
  }

  @Test("a share of a model on several GPUs is another model, the whole one under any name is not")
  func ranks() throws {
    let large = profile.models[1]
    #expect(try profile.model(for: large.shape).standsIn == nil)
    var renamed = large.shape
    renamed.name = "a finetune of it"
    #expect(try profile.model(for: renamed).standsIn == nil)
    let quarter = try profile.model(for: large.shape.perRank(4))
    #expect(quarter.standsIn != nil)
    let decode = StepLaunch.fullGraph(paddedTokens: 1)
    #expect((3..<6).contains(rest(large, decode) / rest(quarter, decode)))
    #expect(profile.knowsHeads(of: renamed))
    #expect(!profile.knowsHeads(of: large.shape.perRank(4)))
  }
}
