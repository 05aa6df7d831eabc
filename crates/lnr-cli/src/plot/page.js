"use strict";
// DATA: for each point its file, its time in seconds and the number of its picture; the pictures.
const points = [...document.querySelectorAll(".p")];
const picture = document.querySelector("figure img");
const text = document.querySelector("figcaption");

function show(number) {
  const [file, time, image] = DATA.points[number];
  picture.src = DATA.pictures[image] || "";
  picture.alt = DATA.pictures[image] ? `${file} at ${time.toFixed(2)} s` : "no picture";
  text.textContent = `${file}, ${time.toFixed(2)} s`;
  for (const point of points) {
    point.classList.toggle("near", Number(point.dataset.i) === number);
  }
}

for (const [i, point] of points.entries()) {
  const number = Number(point.dataset.i);
  point.tabIndex = i === 0 ? 0 : -1;
  point.addEventListener("mouseenter", () => show(number));
  point.addEventListener("focus", () => show(number));
  point.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = points[i + (step || 0)];
    if (step && next) {
      point.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      event.preventDefault();
    }
  });
}
show(0);
