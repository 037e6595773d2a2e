// Writes the countries of the world as lines: a code of ISO 3166-1, the names in English and in
// Chinese, and the outline on a map. `cargo xtask world` runs it, beside the packages that
// `package.json` names. The outlines are those of Natural Earth, as world-atlas has them. The names
// are those of Node itself, which has them from Unicode.

import { createRequire } from "node:module";
import { geoCentroid, geoEqualEarth, geoPath } from "d3-geo";
import { feature } from "topojson-client";
import { presimplify, simplify, sphericalTriangleArea } from "topojson-simplify";

const require = createRequire(import.meta.url);
const world = require("world-atlas/countries-50m.json");
const codes = require("i18n-iso-countries/codes.json");

// The width of the map. All numbers are whole, so that the file is short.
const WIDTH = 2000;
// The area of the smallest triangle that two sides of an outline make, in steradians.
const LEAST_TRIANGLE = 1e-5;
// An island of less area is left out, unless it is the largest of its country.
const LEAST_ISLAND = 24;
// A country of less area is a dot of this radius.
const LEAST_COUNTRY = 40;
const DOT = 5;

// Places that have no code, by the country that files of addresses count them to.
const CODELESS = { Kosovo: "XK", "N. Cyprus": "CY", Somaliland: "SO" };
// It is large, and nobody calls from there.
const LEFT_OUT = "AQ";

const byNumber = new Map(codes.map(([code, , number]) => [number, code]));

// The cut is in the Bering Strait, where it goes through no country.
const projection = geoEqualEarth().rotate([-11, 0]).precision(0);
const simple = simplify(presimplify(world, sphericalTriangleArea), LEAST_TRIANGLE);
const { features } = feature(simple, simple.objects.countries);
const whole = feature(world, world.objects.countries).features;
const codeOf = ({ id, properties }) => byNumber.get(id) ?? CODELESS[properties.name];
const isShown = (country) => ![undefined, LEFT_OUT].includes(codeOf(country));
projection.fitWidth(WIDTH, { type: "FeatureCollection", features: whole.filter(isShown) });

// The rings of an outline on the map.
function rings(country) {
  const rings = [];
  const context = {
    moveTo: (x, y) => rings.push([[x, y]]),
    lineTo: (x, y) => rings.at(-1).push([x, y]),
    closePath: () => {},
  };
  geoPath(projection, context)(country);
  const isNew = ([x, y], at, all) => at === 0 || x !== all[at - 1][0] || y !== all[at - 1][1];
  return rings.map((ring) => ring.map((point) => point.map(Math.round)).filter(isNew));
}

const area = (ring) =>
  Math.abs(
    ring.reduce((sum, [x, y], at) => {
      const [toX, toY] = ring[(at + 1) % ring.length];
      return sum + x * toY - toX * y;
    }, 0),
  ) / 2;

// Steps from point to point, because small numbers are short.
function written(ring) {
  const steps = ring.slice(1).flatMap(([x, y], at) => [x - ring[at][0], y - ring[at][1]]);
  return `M${ring[0].join(" ")}l${steps.join(" ").replaceAll(" -", "-")}z`;
}

// The outline of a country. Its parts may be several features, each simple and whole.
function outline(simple, whole) {
  const all = simple.flatMap(rings).filter((ring) => ring.length > 2);
  const areas = all.map(area);
  const most = Math.max(0, ...areas);
  if (most < LEAST_COUNTRY) {
    const [x, y] = projection(geoCentroid(whole[0])).map(Math.round);
    return `M${x - DOT} ${y}a${DOT} ${DOT} 0 1 0 ${2 * DOT} 0a${DOT} ${DOT} 0 1 0-${2 * DOT} 0z`;
  }
  const large = all.filter((_, at) => areas[at] === most || areas[at] >= LEAST_ISLAND);
  return large.map(written).join("");
}

const outlines = new Map();
for (const code of new Set(features.filter(isShown).map(codeOf))) {
  const isOfIt = (feature) => codeOf(feature) === code;
  outlines.set(code, outline(features.filter(isOfIt), whole.filter(isOfIt)));
}

// The short name, unless it is no more than another code, as "UK".
function namesIn(language) {
  const [short, long] = ["short", "long"].map(
    (style) => new Intl.DisplayNames(language, { type: "region", style }),
  );
  return (code) => (/^[A-Z]+$/.test(short.of(code)) ? long : short).of(code);
}
const [english, chinese] = [namesIn("en"), namesIn("zh-Hans")];
const all = new Set([...codes.map(([code]) => code), ...outlines.keys()]);
for (const code of [...all].sort()) {
  console.log([code, english(code), chinese(code), outlines.get(code) ?? ""].join("\t"));
}
