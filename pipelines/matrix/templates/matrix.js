(() => {
  const { quantities, rows, columns, cells, pictures } = JSON.parse(document.getElementById("matrix-data").textContent);
  const at = (id) => document.getElementById(id);
  const [grid, box, panel, turns] = ["grid", "box", "panel", "turns"].map(at);
  const body = grid.tBodies[0];
  const [groups, heads] = grid.tHead.rows;
  const lines = [...body.rows];
  const chosen = { quantity: 0, column: -1, best: true };

  // --- elements: text is text, whatever it holds

  const make = (tag, name = "", ...children) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.append(...children.filter((child) => child !== "" && child !== null));
    return element;
  };
  const option = (value, text) => Object.assign(make("option", "", text), { value });
  const button = (name, text, act) => {
    const made = Object.assign(make("button", name, text), { type: "button" });
    made.addEventListener("click", act);
    return made;
  };

  const several = (values) => [...new Set(values.filter(Boolean))];
  const many = several(columns.map((column) => column.data)).length > 1;

  // --- which rows and columns are there, and in which order

  const holds = (text, wanted) => text.toLowerCase().includes(wanted.trim().toLowerCase());
  const rowShown = (row) =>
    (row.control && at("stay").checked) || holds(`${row.title} ${row.words}`, at("find-rows").value);
  const columnShown = (column) => {
    if (at("data").value && column.data !== at("data").value) return false;
    if (column.clean && at("stay").checked) return true;
    if (at("attack").value && column.attack !== at("attack").value) return false;
    return holds(`${column.title} ${column.attack} ${column.data}`, at("find-columns").value);
  };

  const valueOf = (row) => cells[row][chosen.column].numbers[chosen.quantity]?.value;
  const compare = (a, b) => {
    if (at("stay").checked && rows[a].control !== rows[b].control) return rows[a].control ? -1 : 1;
    if (chosen.column < 0 || (at("stay").checked && rows[a].control)) return a - b;
    const [one, other] = [valueOf(a), valueOf(b)];
    if (one === undefined || other === undefined)
      return one === other ? a - b : one === undefined ? 1 : -1;
    return (rising() ? one - other : other - one) || a - b;
  };
  const rising = () => (quantities[chosen.quantity].better === "high") !== chosen.best;

  const arrange = () => {
    const order = rows.map((_, row) => row).sort(compare);
    if (order.some((row, place) => body.rows[place] !== lines[row])) body.append(...order.map((row) => lines[row]));
    const there = rows.map(rowShown);
    const last = at("stay").checked ? order.findLast((row) => there[row] && rows[row].control) : -1;
    lines.forEach((line, row) => {
      line.hidden = !there[row];
      line.classList.toggle("last", row === last);
    });
    const open = columns.map(columnShown);
    for (const line of [heads, ...lines])
      columns.forEach((_, column) => { line.cells[column + 1].hidden = !open[column]; });
    spanGroups(open);
    mark(open);
    say(there.filter(Boolean).length, open.filter(Boolean).length);
    settle();
  };

  const spanGroups = (open) => {
    let from = 0;
    for (const head of [...groups.cells].slice(1)) {
      head.dataset.wide ??= head.colSpan;
      const wide = Number(head.dataset.wide);
      const left = open.slice(from, from + wide).filter(Boolean).length;
      head.hidden = !left;
      head.colSpan = Math.max(1, left);
      from += wide;
    }
  };

  const mark = () => {
    columns.forEach((_, column) => {
      const sorted = column === chosen.column;
      heads.cells[column + 1].setAttribute("aria-sort", sorted ? (rising() ? "ascending" : "descending") : "none");
    });
    at("sort-column").value = chosen.column < 0 ? "" : String(chosen.column);
    at("sort-quantity").value = String(chosen.quantity);
    at("order").textContent = chosen.best ? "Best first" : "Worst first";
    at("order").setAttribute("aria-pressed", String(!chosen.best));
    at("order").disabled = chosen.column < 0;
  };

  const say = (open, wide) => {
    const column = columns[chosen.column];
    const sorted = column
      ? `; sorted by ${quantities[chosen.quantity].title} in ${column.title}, ${column.data}, ${chosen.best ? "best" : "worst"} first`
      : "";
    at("reset").hidden = chosen.column < 0 && open === rows.length && wide === columns.length && at("stay").checked;
    at("said").textContent = `${open} of ${rows.length} rows, ${wide} of ${columns.length} columns${sorted}`;
  };

  const sortBy = (column) => {
    if (column !== chosen.column) Object.assign(chosen, { column, best: true });
    else if (chosen.best) chosen.best = false;
    else Object.assign(chosen, { column: -1, best: true });
    arrange();
  };

  // --- the keyboard: one cell at a time can be reached with Tab, the others from it with arrows

  let reached = null;
  const shownLines = () => [heads, ...[...body.rows].filter((line) => !line.hidden)];
  const targets = (line) =>
    [...line.cells].slice(1).filter((cell) => !cell.hidden).map((cell) => cell.querySelector("button.turn") ?? cell);
  const reach = (target, focus = true) => {
    if (reached) reached.tabIndex = -1;
    reached = target;
    reached.tabIndex = 0;
    if (!focus) return;
    // Focus alone would leave a cell below what stays in sight.
    reached.focus({ preventScroll: true });
    reached.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const settle = () => {
    const there = shownLines().map(targets);
    if (!there.flat().includes(reached)) {
      const first = (there[1] ?? there[0])[0];
      if (first) reach(first, false);
    }
  };
  const move = (event) => {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const there = shownLines().map(targets);
    const y = there.findIndex((line) => line.includes(event.target));
    if (y < 0) return;
    const x = there[y].indexOf(event.target);
    const bound = (value, count) => Math.min(Math.max(value, 0), count - 1);
    const all = event.ctrlKey || event.metaKey;
    let to = null;
    if (steps[event.key]) to = [y + steps[event.key][0], x + steps[event.key][1]];
    else if (event.key === "Home") to = [all ? 1 : y, 0];
    else if (event.key === "End") to = [all ? there.length - 1 : y, there[y].length - 1];
    else if (event.key === "PageUp" || event.key === "PageDown") to = [y + (event.key === "PageUp" ? -5 : 5), x];
    if (to) {
      const line = there[bound(to[0], there.length)];
      reach(line[bound(to[1], line.length)]);
      event.preventDefault();
    } else if ((event.key === "Enter" || event.key === " ") && event.target.matches("td.cell")) {
      open(event.target);
      event.preventDefault();
    }
  };

  // --- the panel of a cell

  const open = (cell) => {
    const row = lines.indexOf(cell.parentElement);
    const column = cell.cellIndex - 1;
    panel.replaceChildren(top(rows[row], columns[column]), inside(cells[row][column], rows[row]));
    reach(cell);
    panel.showModal();
    panel.scrollTop = 0;
  };

  const top = (row, column) => {
    const title = make("h2", "", `${row.title} against ${column.clean ? "no attack" : column.title}`);
    title.id = "panel-title";
    const close = button("close", "Close", () => panel.close());
    return make("header", "top", make("div", "", many ? make("p", "overline", column.data) : "", title), close);
  };

  const inside = (cell, row) => {
    const parts = make("div", "inside");
    if (row.words) parts.append(make("p", "small soft", row.words));
    if (cell.status !== "whole") parts.append(remark(cell.status === "part" ? "Not with every seed" : cell.status, cell.why, cell.status));
    for (const why of cell.hatched) parts.append(remark("Hatched", why));
    for (const why of cell.unreliable) parts.append(remark("Unreliable", why));
    const measured = cell.numbers.flatMap((number, k) => (number ? [figures(quantities[k], number)] : []));
    if (measured.length) parts.append(make("dl", "card figures", ...measured));
    if (cell.threshold) parts.append(make("p", "small", make("b", "", "Threshold: "), cell.threshold));
    if (cell.runs.length) parts.append(make("h3", "", cell.runs.length > 1 ? `${cell.runs.length} runs` : "The run"), ...cell.runs.map(card));
    return parts;
  };

  const remark = (what, why, kind = "") =>
    make("p", `remark ${kind}`, make("b", "", what[0].toUpperCase() + what.slice(1)), why ? `: ${why}` : "");

  const figures = (quantity, number) => {
    const line = make("div", "", make("dt", "", quantity.title), make("dd", "big", number.text));
    if (quantity.unit === "share") line.append(plot(number));
    const more = (what, ...said) => line.append(make("dd", "more", `${what} `, ...said));
    if (number.interval) more("95% interval", make("b", "", number.interval), number.counted && ` (${number.counted})`);
    const each = number.seeds.map(([seed, , text]) => `${seed}: ${text}`).join(", ");
    if (number.spread) more("Over the seeds", make("b", "", number.spread), ` (${each})`);
    else more(number.seeds.length > 1 ? `The same with ${number.seeds.length} seeds` : `With seed ${number.seeds[0][0]} alone`);
    const gap = number.difference;
    if (gap) {
      const ranges = [gap.interval && `95% interval ${gap.interval}`, gap.spread && `seeds ${gap.spread}`].filter(Boolean).join("; ");
      more("Against the undefended model", make("b", "", gap.text), ranges && ` (${ranges})`);
    }
    return line;
  };

  const plot = (number) => {
    const draw = (tag, attributes) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      return element;
    };
    const svg = draw("svg", { class: "plot", viewBox: "0 0 100 14", preserveAspectRatio: "none", "aria-hidden": "true" });
    svg.append(draw("path", { class: "rail", d: "M0 7H100" }));
    if (number.low !== null) svg.append(draw("path", { class: "span", d: `M${number.low * 100} 7H${number.high * 100}` }));
    for (const [, value] of number.seeds) svg.append(draw("path", { class: "dot", d: `M${value * 100} 7h0` }));
    svg.append(draw("path", { class: "mean", d: `M${number.value * 100} 1V13` }));
    return svg;
  };

  const tones = { passed: "good", rejected: "bad", failed: "bad", refused: "warn", waiting: "idle" };
  const card = (run) => {
    const said = { passed: "✓ passes the gate", rejected: "✕ rejected by the gate", failed: "✕ failed" }[run.status] ?? run.status;
    const made = make("article", "card run",
      make("header", "", make("h4", "", `Seed ${run.seed}`), make("span", `pill ${tones[run.status]}`, said)),
      make("p", "small soft", [run.run, run.took].filter(Boolean).join(", ")));
    if (run.why) made.append(make("p", "small", run.why));
    if (run.report) made.append(make("p", "small", Object.assign(make("a", "", "Its report"), { href: run.report })));
    if (run.pictures.length) made.append(make("div", "shots", ...run.pictures.map(picture)));
    made.append(command(run.command));
    const digests = Object.entries(run.digests);
    if (digests.length) made.append(make("details", "plain", make("summary", "", `Digests (${digests.length}, sha256)`),
      make("dl", "digests", ...digests.flatMap(([what, digest]) => [make("dt", "", what), make("dd", "", digest)]))));
    return made;
  };

  const picture = ([words, place]) =>
    make("figure", "", Object.assign(make("img"), { src: pictures[place], alt: words }), make("figcaption", "", words));

  const command = (text) => {
    const shown = make("pre", "", text);
    shown.tabIndex = 0;
    const copy = button("copy", "Copy", async () => {
      getSelection().selectAllChildren(shown);
      // A page opened from disk may be refused the clipboard; then the text is selected.
      try { await navigator.clipboard.writeText(text); copy.textContent = "Copied"; } catch { copy.textContent = "Selected"; }
    });
    return make("div", "command", shown, copy);
  };

  // --- what starts it

  const start = () => {
    grid.setAttribute("role", "grid");
    grid.classList.add("live");
    box.tabIndex = -1;
    at("data").append(...several(columns.map((column) => column.data)).map((data) => option(data, data)));
    at("attack").append(...several(columns.map((column) => (column.clean ? "" : column.attack))).map((attack) => option(attack, attack)));
    at("sort-quantity").append(...quantities.map((quantity, k) => option(k, quantity.title)));
    at("sort-column").append(...columns.map((column, k) => option(k, many ? `${column.title}, ${column.data}` : column.title)));
    at("data").parentElement.hidden = !many;
    columns.forEach((_, column) => {
      const name = heads.cells[column + 1].firstElementChild;
      const turn = button("turn", "", () => sortBy(column));
      turn.append(...name.childNodes);
      turn.tabIndex = -1;
      name.replaceWith(turn);
    });
    for (const cell of body.querySelectorAll(".cell")) {
      cell.tabIndex = -1;
      cell.setAttribute("aria-haspopup", "dialog");
    }
    turns.hidden = at("keys").hidden = false;
    if (matchMedia("(max-width: 40rem)").matches) turns.open = at("key").open = false;
    turns.addEventListener("input", (event) => {
      if (event.target.id === "sort-quantity") chosen.quantity = Number(event.target.value);
      if (event.target.id === "sort-column") chosen.column = event.target.value === "" ? -1 : Number(event.target.value);
      arrange();
    });
    at("order").addEventListener("click", () => { chosen.best = !chosen.best; arrange(); });
    at("reset").addEventListener("click", () => {
      for (const id of ["find-rows", "find-columns", "data", "attack"]) at(id).value = "";
      at("stay").checked = true;
      Object.assign(chosen, { quantity: 0, column: -1, best: true });
      arrange();
    });
    grid.addEventListener("keydown", move);
    grid.addEventListener("click", (event) => {
      const cell = event.target.closest("td.cell");
      if (cell && getSelection().isCollapsed) open(cell);
    });
    panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); });
    panel.addEventListener("close", () => reach(reached));
    arrange();
  };
  start();
})();
