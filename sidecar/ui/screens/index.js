/** The screens, in the order of the navigation: {title, Screen}. */

import { ApiScreen } from "./api/screen.js";
import { DuplicatesScreen } from "./duplicates/screen.js";
import { ImagesScreen } from "./images/screen.js";
import { IndexScreen } from "./index/screen.js";
import { ModelsScreen } from "./models/screen.js";
import { SearchScreen } from "./search/screen.js";
import { TasksScreen } from "./tasks/screen.js";

export const screens = {
  search: { title: "Search", Screen: SearchScreen },
  images: { title: "Images", Screen: ImagesScreen },
  duplicates: { title: "Duplicates", Screen: DuplicatesScreen },
  index: { title: "Index", Screen: IndexScreen },
  models: { title: "Models", Screen: ModelsScreen },
  tasks: { title: "Tasks", Screen: TasksScreen },
  api: { title: "API", Screen: ApiScreen },
};
