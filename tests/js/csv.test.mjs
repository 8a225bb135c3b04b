// What is on screen as a file: exact, and nothing in it that a spreadsheet executes.

import assert from "node:assert/strict";
import test from "node:test";

const JS = "../../src/papertape/dashboard/static/js";
const { chartRows, plainValue, textRows, toCsv, toJson, without } = await import(`${JS}/csv.js`);

test("a figure of the page is a number in the file, words stay words", () => {
  assert.equal(plainValue("−1,234.50"), -1234.5);
  assert.equal(plainValue("+12.40"), 12.4);
  assert.equal(plainValue("0.00"), 0);
  for (const words of ["46.5 ¢", "1,23", "12:30:00", "–", "", "1e5"]) {
    assert.equal(plainValue(words), words);
  }
});

test("what a spreadsheet would execute is text", () => {
  const csv = toCsv([{ name: '=HYPERLINK("x")' }, { name: "+1+1" }, { name: "＝1" }, { name: -5 }]);
  assert.equal(csv, 'name\r\n"\'=HYPERLINK(""x"")"\r\n\'+1+1\r\n\'＝1\r\n-5\r\n');
});

test("rows with different names have all columns, and nothing is an empty cell", () => {
  const csv = toCsv([{ a: 1, b: null }, { b: "x,y", c: ["p", "q"] }]);
  assert.equal(csv, 'a,b,c\r\n1,,\r\n,"x,y","[""p"",""q""]"\r\n');
});

test("JSON says what it is of", () => {
  const told = JSON.parse(toJson([{ a: 1 }], { panel: "Trades", mode: "SIMULATED" }));
  assert.deepEqual(told, { panel: "Trades", mode: "SIMULATED", rows: [{ a: 1 }] });
});

test("a table and a chart become rows", () => {
  assert.deepEqual(textRows(["Name", ""], [["momentum", "1,000"]]), [
    { Name: "momentum", "column 2": 1000 },
  ]);
  assert.deepEqual(chartRows(["a", "b"], [{ data: [1] }]), [
    { label: "a", value: 1 },
    { label: "b", value: null },
  ]);
  assert.deepEqual(without([{ a: 1, curve: [] }], "curve"), [{ a: 1 }]);
});
