// The few things that pages do to the document: text only, and nothing that has not changed.

/** Make an element: attributes by name, texts and elements as children. No markup is ever parsed. */
export function make(tag, attributes = {}, ...children) {
  const element = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick" || name === "oninput" || name === "onsubmit" || name === "onchange") {
      element.addEventListener(name.slice(2), value);
    } else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/**
 * Bring the children of `parent` to what `items` say, in their order, by key: an element stays the same as long as its
 * key does, so that focus, flash and scroll stay too. `create(item)` makes one, `update(element, item)` changes it.
 */
export function keyed(parent, items, keyOf, create, update) {
  const wanted = new Set(items.map(keyOf));
  const known = new Map();
  for (const child of [...parent.children]) {
    if (wanted.has(child.dataset.key)) known.set(child.dataset.key, child);
    else child.remove();
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let element = known.get(key);
    if (!element) {
      element = create(item);
      element.dataset.key = key;
    }
    if (element === place) place = place.nextElementSibling;
    else moveBefore(parent, element, place);
    update(element, item);
  }
}

function moveBefore(parent, element, place) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  parent.insertBefore(element, place);
  if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

/** Run a function once in the next frame, however often it is asked for; a hidden tab gets it by a timer. */
export function batched(run) {
  let isDue = false;
  const go = () => {
    if (!isDue) return;
    isDue = false;
    run();
  };
  return () => {
    if (isDue) return;
    isDue = true;
    if (document.hidden) setTimeout(go, 0);
    else {
      requestAnimationFrame(go);
      setTimeout(go, 500); // a window that is covered draws no frames
    }
  };
}
