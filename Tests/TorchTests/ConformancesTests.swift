import Testing

@testable import TestSupport

@Suite struct ConformancesTests {
  private func types(conformingTo name: String = "Law", _ source: String) throws -> Set<String> {
    try Conformances(of: ["a.swift": source]).types(conformingTo: name)
  }

  @Test(arguments: [
    "struct A: Law {}", "public struct A: Sendable, Law, Hashable { }", "final class A: Base & Law {}",
    "enum A : Law{}", "actor A: @unchecked Sendable, Law {}", "struct A<B: C>: Law where B: D {}",
    "struct A<B: C<D>, E>: F<G<H>>, Law {}",
    "public struct A<\n  B: C\n>:\n  Sendable,\n  Law\nwhere\n  B.D == E\n{\n}", "struct A {}\nextension A: Law {}",
    "extension A: @retroactive Law where B: C {}", "struct A: Module.Law {}", "struct `A`: `Law` {}",
    "@Attribute(x: 1) struct A: Law {}", "struct A: /* not */ Law // one\n{}", "struct A\n  : Law {}",
    "struct A<B>: Law where B == (C) -> D {}", "extension A: nonisolated Law {}", "struct A: ~Copyable, Law {}",
    "protocol Finer: Law {}\nstruct A: Finer {}", "struct A: Both {}\ntypealias Both = Sendable & Law",
    "class Base: Law {}\nclass A: Base {}\nextension Base: Equatable {}",
    "#if os(Linux)\nstruct A: Law {}\n#endif",
  ])
  func everyWayOfDeclaringAConformanceIsFound(_ source: String) throws {
    #expect(try types(source).contains("A"), "\(source)")
  }

  @Test(arguments: [
    "struct A {}", "// struct A: Law {}", "/* struct A: Law {} /* nested */ struct A: Law {} */", "struct A<B: Law> {}",
    "struct A: Other where B: Law {}", "let text = \"struct A: Law {}\"", "let text = \"\"\"\nstruct A: Law {}\n\"\"\"",
    "let text = #\"a \" struct A: Law {}\"#", "struct A { let law: Law }", "extension A where Self: Law {}",
    "struct A: Other<Law> {}", "struct A { class func law(_ a: Law) {} }", "protocol A: Law {}",
    "typealias A = Law", "let text = \"\\(f(\"{\")) struct A: Law {}\"", "struct A: LawAndOrder {}",
    "func f(struct A: Law) {}", "struct A { typealias Name = String\n  let law: Law }",
  ])
  func whatIsNoConformanceIsNot(_ source: String) throws {
    #expect(try types(source).isEmpty, "\(source)")
  }

  @Test func nestedTypesAreNamedByTheirPath() throws {
    let source = """
      struct Outer<T> {
        enum Inner { struct A: Law { var body: Int { get { 1 } } } }
        struct B: Law {}
      }
      extension Outer.Inner { struct C: Law {} }
      extension Outer.Inner: Law {}
      struct D: Law {}
      """
    #expect(try types(source) == ["Outer.Inner.A", "Outer.B", "Outer.Inner.C", "Outer.Inner", "D"])
  }

  @Test func textThatIsNotUnderstoodIsAnError() {
    for source in ["struct A: Law {", "}", "let a = \"\\(f(\"{\"))\" {"] {
      #expect(throws: UnreadableSource.self) { try types(source) }
    }
    #expect(throws: (any Error).self) { try Conformances(inFolders: ["NoSuchFolder"]) }
  }

  @Test func thePackageIsRead() throws {
    let package = try Conformances.ofPackage.get()
    #expect(package.types(conformingTo: "LeastSquaresSolver") == ["LSMR", "DenseSolver", "AutomaticSolver"])
    #expect(package.types(conformingTo: "Module").isSuperset(of: ["UNet2D.Projection", "Linear", "NetworkScore"]))
  }

  private struct Generic<Value> { struct Inner {} }

  @Test func typesOfValuesAreNamedAsInTheSource() {
    #expect(typeName(of: "") == "String")
    #expect(typeName(of: [1: [""]]) == "Dictionary")
    #expect(typeName(of: Generic<[Int]>()) == "ConformancesTests.Generic")
    #expect(typeName(of: Generic<Generic<Int>.Inner>.Inner()) == "ConformancesTests.Generic.Inner")
  }

  @Test func whatIsMissingOrTooMuchIsSaid() {
    #expect(completenessComplaints(["A", "B"], tried: ["A", "Other"], ["B"]).isEmpty)
    #expect(completenessComplaints(["A", "B"], tried: ["A"], []) == ["B is in no law suite"])
    #expect(completenessComplaints(["A"], tried: ["A"], ["B"]) == ["the exception B is no conformer"])
    #expect(completenessComplaints(["A"], tried: ["A"], ["A"]) == ["the exception A is tried"])
    #expect(completenessComplaints([], tried: ["A"], []) == ["no source declares a conformer"])
  }
}
