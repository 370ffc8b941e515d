import ArgumentParser
import KernelSelection
import Reports
import TraceModel

/// `reprise policies`: every selection policy in one line, with its source.
struct PoliciesCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "policies", abstract: "List the selection policies, each with its source.")

  @Option(help: "Form of the result: text or json.")
  var format: ResultFormat = .text

  func run(on console: Console) throws {
    let listing = PolicyListing(SelectionPolicies.all)
    switch format {
    case .text: try console.print(listing.text())
    case .json: try console.print(listing.json().text(pretty: true) + "\n")
    }
  }
}

/// The form that results are printed in.
enum ResultFormat: String, ExpressibleByArgument, CaseIterable {
  case text
  case json
}
